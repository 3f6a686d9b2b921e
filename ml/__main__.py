"""Is a model ready to be trained? Seconds here instead of a job.

python -m ml check MODEL          build, fit made-up rows, save, load, serve
python -m ml check MODEL FILE     the data tests on a file, and a fit on its rows, as well
python -m ml check                every model
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ml.errors import MlError
from ml.model_config import available_models


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status is 1 where a model is not ready."""
    parser = argparse.ArgumentParser(
        prog="python -m ml", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    check = commands.add_parser("check", help="is a model ready to be trained?")
    check.add_argument("model", nargs="?", help="folder below ml/models; without: each of them")
    check.add_argument("file", nargs="?", type=Path, help="a file as it would be dropped")
    options = parser.parse_args(arguments)
    models = available_models() if options.model is None else (options.model,)
    return max((_check(model, options.file) for model in models), default=0)


def _check(model: str, file: Path | None) -> int:
    started = time.monotonic()
    try:
        from ml.checking.check import check_model  # noqa: PLC0415 - seconds, after the arguments

        for sentence in check_model(model, file):
            print(f"✓ {model} {sentence}", flush=True)
    except (MlError, OSError) as exc:
        for line in str(exc).splitlines():
            print(f"✕ {model}: {line.strip()}", flush=True)
        return 1
    print(f"✓ {model} is ready ({time.monotonic() - started:.1f} s)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
