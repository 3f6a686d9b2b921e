"""The reference profile of a model version: its training rows and its predictions on new ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import pyarrow as pa

from ml.collected_data import PREDICTION
from ml.drift import HistoryKind, Profile, Role
from ml.reference.columns import Comparable, cells_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ml.model_config import ModelConfig

PROFILE_FILE: Final = "reference.profile"
_TIME: Final = "__day__"
# Ten features take one CPU second, and limits are within 1 to 2 % of those of the engine's default,
# which takes four: the third figure of a limit is not worth the wait.
_DRAWS: Final = 40_000


def reference_profile(train: pd.DataFrame, config: ModelConfig) -> Profile:
    """Profile the training rows: every feature but dates and texts, and the target.

    If the model has a time column, their days are the history. Without one there is no history,
    since training rows are sorted by a hash.

    Args:
        train: rows that the model was fitted on, as `prepare` wrote them.
        config: of the model.
    """
    columns = [Comparable.of_model(name, config) for name in (*config.compared, config.target)]
    return _profiled(
        train, columns, config, roles={config.target: Role.LABEL}, by_day=config.time is not None
    )


def with_predictions(
    profile: Profile, test: pd.DataFrame, predictions: NDArray[Any], config: ModelConfig
) -> Profile:
    """Add the model's predictions on rows that it was not trained on to its profile.

    Args:
        profile: of the training rows.
        test: frozen rows; only their time is used.
        predictions: of the profile's own model, one a frozen row.
        config: of the model.
    """
    column = Comparable.of_model(PREDICTION, config)
    said = pd.DataFrame({PREDICTION: predictions}, index=test.index)
    by_day = config.time is not None and profile.history is HistoryKind.DAYS
    if by_day:
        said[config.time] = test[config.time]
    more = _profiled(said, [column], config, roles={PREDICTION: Role.PREDICTION}, by_day=by_day)
    columns = (*profile.layout.columns, *more.layout.columns)
    return replace(
        profile,
        layout=replace(profile.layout, columns=columns),
        references=(*profile.references, *more.references),
    )


def _profiled(
    rows: pd.DataFrame,
    columns: Sequence[Comparable],
    config: ModelConfig,
    *,
    roles: dict[str, Role],
    by_day: bool,
) -> Profile:
    arrays = {column.name: cells_of(rows[column.name], column).array for column in columns}
    if by_day:
        arrays[_TIME] = pa.array(rows[config.time], pa.timestamp("us"), from_pandas=True)
    return Profile.fit(
        pa.table(arrays),
        name=config.name,
        time_column=_TIME if by_day else None,
        roles=roles,
        history=HistoryKind.DAYS if by_day else HistoryKind.NONE,
        draws=_DRAWS,
    )
