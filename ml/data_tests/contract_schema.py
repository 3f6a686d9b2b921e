"""A model's data contract as a pandera schema: the value of each cell against its limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from ml.data_tests.typed import MOST_EXACT, allowed_values

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from ml.model_config import ColumnContract

_FINITE: Final = "finite"
_EXACT: Final = "exact"
_MINIMUM: Final = "minimum"
_MAXIMUM: Final = "maximum"
_VALUES: Final = "values"


@dataclass(frozen=True, slots=True)
class CellFailure:
    """Cells of one column that break one limit, by row number."""

    column: str
    test: str
    rows: tuple[int, ...]


class ContractSchema:
    """Checks typed chunks. Missing cells pass here: their share is a matter of the whole file."""

    def __init__(self, contracts: Iterable[ColumnContract]) -> None:
        self._schema = pa.DataFrameSchema(
            {
                contract.name: pa.Column(
                    dtype=None, checks=_checks(contract), nullable=True, required=False
                )
                for contract in contracts
            }
        )

    def failures(self, chunk: pd.DataFrame) -> list[CellFailure]:
        """Every broken limit of a typed chunk indexed by row number."""
        try:
            self._schema.validate(chunk, lazy=True)
        except SchemaErrors as exc:
            cases = exc.failure_cases
            return [
                CellFailure(
                    str(column), str(check), tuple(sorted(int(row) for row in group["index"]))
                )
                for (column, check), group in cases.groupby(["column", "check"], sort=False)
            ]
        return []


def _checks(contract: ColumnContract) -> list[pa.Check]:
    checks: list[pa.Check] = []
    if contract.type in {"number", "integer"}:
        checks.append(pa.Check(np.isfinite, name=_FINITE, error=_FINITE))
    if contract.type == "integer":
        checks.append(pa.Check(_exact, name=_EXACT, error=_EXACT))
    if contract.minimum is not None:
        checks.append(pa.Check.ge(contract.minimum, error=_MINIMUM))
    if contract.maximum is not None:
        checks.append(pa.Check.le(contract.maximum, error=_MAXIMUM))
    if (values := allowed_values(contract)) is not None:
        checks.append(pa.Check.isin(values, error=_VALUES))
    return checks


def _exact(cells: Any) -> Any:
    # Beyond it neighbours become the same number: two ids would be one.
    return ~np.isfinite(cells) | (np.abs(cells) <= MOST_EXACT)
