"""Splits rows into training rows and frozen test rows. Pure: tables in, tables out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml.errors import NotEnoughRowsError
from ml.training.rows import CONTENT, ROW, is_frozen

if TYPE_CHECKING:
    import pandas as pd

    from ml.model_config import ModelConfig


@dataclass(frozen=True, slots=True)
class Prepared:
    """`train` and `test` share no row, not even one with another id.

    Args:
        train: rows to learn from.
        test: frozen rows.
        twins_left_out: rows that equal a test row in everything but the id.
        test_rows_sha256: hash of the test rows' keys and contents.
    """

    train: pd.DataFrame
    test: pd.DataFrame
    twins_left_out: int
    test_rows_sha256: str


def split(rows: pd.DataFrame, config: ModelConfig) -> Prepared:
    """Freeze the test rows and leave their duplicates out of training.

    Args:
        rows: sorted by key, as `ml.training.rows.merge` gives them.
        config: gives the share of test rows and the least number of rows on each side.

    Raises:
        NotEnoughRowsError: too few rows on a side, or a target that does not vary in training.
    """
    frozen = is_frozen(rows[ROW], test_percent=config.training.test_percent)
    test, rest = rows[frozen], rows[~frozen]
    # A row that equals a test row in everything but its id would give the answer away.
    train = rest[~rest[CONTENT].isin(test[CONTENT])]
    _check(train, test, config)
    keys = "\n".join(test[ROW] + test[CONTENT])
    return Prepared(
        train=_typed_target(train, config),
        test=_typed_target(test, config),
        twins_left_out=len(rest) - len(train),
        test_rows_sha256=hashlib.sha256(keys.encode()).hexdigest(),
    )


def _check(train: pd.DataFrame, test: pd.DataFrame, config: ModelConfig) -> None:
    settings = config.training
    for side, rows, least, key in (
        ("training", len(train), settings.min_train_rows, "min_train_rows"),
        ("test", len(test), settings.min_test_rows, "min_test_rows"),
    ):
        if rows < least:
            raise NotEnoughRowsError(
                f"{rows} {side} rows, at least {least} are needed (training.{key}); "
                "land more data or lower it in model.yml"
            )
    classes = train[config.target].nunique()
    if classes < 2:  # noqa: PLR2004 - with one value there is nothing to learn
        raise NotEnoughRowsError(
            f"target {config.target} has one value in all {len(train)} training rows, at least 2 "
            "are needed; land rows with other outcomes"
        )


def _typed_target(rows: pd.DataFrame, config: ModelConfig) -> pd.DataFrame:
    side = rows.drop(columns=CONTENT).reset_index(drop=True)
    if config.task == "classification" and config.column(config.target).type == "integer":
        side[config.target] = side[config.target].astype("int64")
    return side
