"""Dates and texts as numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import HashingVectorizer

if TYPE_CHECKING:
    from collections.abc import Sequence

WORDS: Final = 64
_SECONDS_A_DAY: Final = 86_400


class EncodeColumns(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # untyped library
    """Puts numbers in the place of dates and texts; other columns stay as they are, first.

    A date `d` becomes `d_year`, `d_month`, `d_day`, `d_weekday` (0 is Monday), `d_hour` and
    `d_days` since 1970, with a fraction; all are NaN where it is missing. A text `t` becomes
    `t_word_0` … of the hashing trick: shares of its lower-case words by the hash of each, of length
    1; all are 0 where it is missing. Nothing is learnt, so that no word of a row is in the model.

    Args:
        dates: names of datetime columns.
        texts: names of text columns.
        words: columns a text becomes.
    """

    def __init__(
        self, dates: Sequence[str] = (), texts: Sequence[str] = (), words: int = WORDS
    ) -> None:
        self.dates = dates
        self.texts = texts
        self.words = words

    def fit(self, frame: pd.DataFrame, _target: object = None) -> EncodeColumns:
        """Learns nothing.

        Raises:
            ValueError: a new column has the name of one that is there.
        """
        names = [str(name) for name in self.transform(frame.head(1))]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(
                f"encoding dates and texts makes {', '.join(twice)}, which is a column already; "
                "rename it, or set training.encode: false and encode in pipeline.py"
            )
        self.n_features_in_ = frame.shape[1]
        return self

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The same rows and index, all columns as numbers but those that are not named."""
        rest = [name for name in frame if name not in {*self.dates, *self.texts}]
        parts = [frame[rest]]
        parts += [_parts_of_date(frame[name], name) for name in self.dates]
        parts += [_parts_of_text(frame[name], name, self.words) for name in self.texts]
        return pd.concat(parts, axis="columns")


def _parts_of_date(dates: pd.Series, name: str) -> pd.DataFrame:
    moments = pd.to_datetime(dates)
    since = (moments - pd.Timestamp(0)) / pd.Timedelta(seconds=_SECONDS_A_DAY)
    parts: dict[str, pd.Series] = {
        "year": moments.dt.year,
        "month": moments.dt.month,
        "day": moments.dt.day,
        "weekday": moments.dt.weekday,
        "hour": moments.dt.hour,
        "days": since,
    }
    return pd.DataFrame(
        {f"{name}_{part}": values.astype("float64") for part, values in parts.items()},
        index=dates.index,
    )


def _parts_of_text(texts: pd.Series, name: str, words: int) -> pd.DataFrame:
    hashing = HashingVectorizer(n_features=words, alternate_sign=False)
    counted = hashing.transform(texts.where(texts.notna(), "").astype(str))
    columns = [f"{name}_word_{number}" for number in range(words)]
    return pd.DataFrame(counted.toarray(), columns=columns, index=texts.index)
