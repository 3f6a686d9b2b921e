"""The data tests of one file as an Azure ML job: for files that are too large for the function."""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ml.model_config import read_model

if TYPE_CHECKING:
    from collections.abc import Sequence

_FORMAT: Final = 1
RESULT_FILE: Final = "evidence.json"


def main(argv: Sequence[str] | None = None) -> None:
    """Test the file and write the report; the job succeeds even if the file fails its tests."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model-name", required=True)
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--partition", default="")
    parser.add_argument("--evidence", type=Path, required=True)
    args = parser.parse_args(argv)

    from ml.data_tests.check import check_file  # noqa: PLC0415 - seconds, after the arguments

    with args.file.open("rb") as source:
        sha256 = hashlib.file_digest(source, "sha256").hexdigest()
        source.seek(0)
        report = check_file(
            source,
            file=f"{args.partition}/{args.file.name}".removeprefix("/"),
            config=read_model(args.model_name),
            size_bytes=args.file.stat().st_size,
            limit_bytes=None,
        )
    document = {"format": _FORMAT, "sha256": sha256, "report": report.document()}
    args.evidence.mkdir(parents=True, exist_ok=True)
    (args.evidence / RESULT_FILE).write_text(json.dumps(document, ensure_ascii=False), "utf-8")
    print(report.sentence)  # noqa: T201 - the job's log


if __name__ == "__main__":
    main()
