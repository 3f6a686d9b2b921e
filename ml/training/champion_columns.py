"""Columns that only the champion needs: dropped from model.yml, maybe still in the files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from ml.model_config import ColumnContract

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from ml.model_config import ModelConfig
    from ml.model_folder.signature import Column

_ANY_DATE: Final = "ISO8601"


@dataclass(frozen=True, slots=True)
class ChampionColumns:
    """What the champion's signature wants beyond the columns that model.yml has now."""

    wanted: tuple[Column, ...] = ()

    @classmethod
    def of(cls, champion: Path | None, config: ModelConfig) -> ChampionColumns:
        """Read them from the champion's folder; none where there is no champion.

        Raises:
            ModelArtefactError: it is not a model of ours.
        """
        if champion is None:
            return cls()
        from ml.model_folder import ModelFolder  # noqa: PLC0415 - a first model has no champion

        known = {name for name, column in config.data.columns.items() if not column.drop}
        columns = ModelFolder.read(champion).columns
        return cls(tuple(column for column in columns if column.name not in known))

    def added_to(self, config: ModelConfig) -> ModelConfig:
        """Settings under which the files are read with these columns, where a file holds them."""
        if not self.wanted:
            return config
        columns = dict(config.data.columns)
        for column in self.wanted:
            kept = columns.get(column.name) or _contract(column)
            columns[column.name] = replace(kept, drop=False, max_missing_percent=100.0)
        return replace(config, data=replace(config.data, columns=columns))

    def missing_from(self, files: Sequence[pd.DataFrame], test: pd.DataFrame) -> list[str]:
        """Those that a file lacks, or that have gaps which the champion has never seen.

        Args:
            files: the rows of each accepted file.
            test: the frozen rows.
        """
        return [
            column.name
            for column in self.wanted
            if any(len(rows) and rows[column.name].isna().all() for rows in files)
            or (column.required and test[column.name].isna().any())
        ]


def _contract(column: Column) -> ColumnContract:
    kind: Literal["number", "text", "date"] = "number"
    if column.dtype == "object":
        kind = "text"
    elif column.dtype.startswith("datetime"):
        kind = "date"
    return ColumnContract(column.name, kind, date_format=_ANY_DATE if kind == "date" else None)
