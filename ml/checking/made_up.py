"""Made-up rows that keep a model's data contract: what its pipeline must be able to learn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from ml.model_config import ColumnContract, ModelConfig

ROWS: Final = 300
_ROWS_A_CLASS: Final = 15
_WIDTH: Final = 100.0
_LEAST_MISSING: Final = 5
_WORDS: Final = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta")


def made_up_rows(config: ModelConfig) -> pd.DataFrame:
    """Features and target as the training step gets them; the same ones each time.

    A column that may have missing values has some; every listed value occurs.
    """
    classes = config.column(config.target).categories or ()
    count = max(ROWS, _ROWS_A_CLASS * len(classes))
    random = np.random.default_rng(config.training.seed)
    table = {}
    for name in config.features:
        column = config.column(name)
        values = _values(column, count, random)
        if column.max_missing_percent > 0:
            missing = max(_LEAST_MISSING, int(count * min(column.max_missing_percent, 50) / 100))
            values[random.choice(count, missing, replace=False)] = None
        table[name] = pd.Series(values, dtype=_DTYPES.get(column.type, "object"))
    return pd.DataFrame(table).assign(**{config.target: _target(config, count, random)})


_DTYPES: Final = {"number": "float64", "integer": "float64", "date": "datetime64[ns]"}


def _values(column: ColumnContract, count: int, random: np.random.Generator) -> np.ndarray:
    """One Python object a row."""
    if column.categories is not None:
        listed = np.resize(np.array(column.categories, dtype=object), count)
        random.shuffle(listed)
        return listed.astype(float).astype(object) if column.type == "integer" else listed
    if column.type == "date":
        days = random.integers(0, 1000, count)
        return np.array([pd.Timestamp("2024-01-01") + pd.Timedelta(days=int(day)) for day in days])
    if column.type in {"text", "category"}:
        pairs = random.choice(_WORDS, (count, 2))
        return np.array([" ".join(pair) for pair in pairs], dtype=object)
    low, high = _range(column)
    numbers = random.uniform(low, high, count)
    if column.type == "integer":
        numbers = np.clip(np.round(numbers), np.ceil(low), np.floor(high))
    return numbers.astype(object)


def _range(column: ColumnContract) -> tuple[float, float]:
    low, high = column.minimum, column.maximum
    if low is None:
        low = 0.0 if high is None else min(0.0, high - _WIDTH)
    return low, low + _WIDTH if high is None else high


def _target(config: ModelConfig, count: int, random: np.random.Generator) -> pd.Series:
    column = config.column(config.target)
    values = _values(column, count, random)
    if config.task == "regression":
        return pd.Series(values, dtype="float64")
    return pd.Series(values, dtype="int64" if column.type == "integer" else "object")
