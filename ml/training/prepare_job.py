"""Step 1 of the pipeline: pinned files -> train.parquet, test.parquet."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ml.model_config import read_model
from ml.step_end import told_at_the_end
from ml.step_files import PreparedRecord, RowCounts
from ml.training.champion_columns import ChampionColumns
from ml.training.pins import read_pins, verified_path
from ml.training.prepare import split
from ml.training.rows import merge, read_rows

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> None:
    """Run the step; all inputs are verified before anything is written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model-name", required=True)
    parser.add_argument("--pins", type=Path, required=True)
    parser.add_argument("--files", type=Path, required=True)
    parser.add_argument("--champion", type=Path)
    parser.add_argument("--prepared", type=Path, required=True)
    args = parser.parse_args(argv)

    config = read_model(args.model_name)
    pins = read_pins(args.pins, model=config.name)
    extra = ChampionColumns.of(args.champion, config)
    read_with = extra.added_to(config)
    frames = [read_rows(verified_path(pin, args.files), pin, read_with) for pin in pins.files]
    merged = merge(frames, config)
    prepared = split(merged.rows, config)
    for_champion = [column.name for column in extra.wanted]
    train = prepared.train.drop(columns=for_champion)
    test = prepared.test.drop(columns=extra.missing_from(frames, prepared.test))

    folder: Path = args.prepared
    folder.mkdir(parents=True, exist_ok=True)
    train.to_parquet(folder / "train.parquet", index=False)
    test.to_parquet(folder / "test.parquet", index=False)
    PreparedRecord(
        model=config.name,
        data_version=pins.data_version,
        data_sha256=pins.data_sha256,
        config_sha256=config.config_sha256,
        test_rows_sha256=prepared.test_rows_sha256,
        test_percent=config.training.test_percent,
        rows=RowCounts(
            train=len(prepared.train),
            test=len(prepared.test),
            twins_left_out=prepared.twins_left_out,
            read=merged.read,
            replaced=merged.replaced,
            without_target=merged.without_target,
            outside_window=merged.outside_window,
        ),
        files=pins.files,
    ).write(folder)
    print(  # noqa: T201 - the job's log
        f"{config.name}, data version {pins.data_version}: {len(prepared.train)} training rows and "
        f"{len(prepared.test)} frozen test rows from {merged.read} rows of {len(pins.files)} files"
    )


if __name__ == "__main__":
    with told_at_the_end():
        main()
