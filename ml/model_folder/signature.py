"""The input columns of a model, from its MLflow signature."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml.errors import ModelArtefactError

if TYPE_CHECKING:
    from collections.abc import Mapping

# MLflow column type -> numpy dtype of the data frame's column.
DTYPES: Mapping[str, str] = {
    "double": "float64",
    "float": "float32",
    "long": "int64",
    "integer": "int32",
    "boolean": "bool",
    "string": "object",
    "datetime": "datetime64[us]",
}
# These cannot hold a missing value: an optional column of such a type becomes float64.
_WITHOUT_MISSING = frozenset({"long", "integer", "boolean"})


@dataclass(frozen=True, slots=True)
class Column:
    """One model input. MLflow marks a column optional if its training rows had missing values."""

    name: str
    type: str
    required: bool

    @property
    def dtype(self) -> str:
        """The numpy dtype that this column has in the data frame."""
        if not self.required and self.type in _WITHOUT_MISSING:
            return "float64"
        return DTYPES[self.type]


def parse_signature(text: str) -> tuple[Column, ...]:
    """Read the `inputs` of an MLmodel's signature.

    Args:
        text: JSON list of `{"name", "type", "required"}`.

    Raises:
        ModelArtefactError: it is not a signature of named columns, or a type is not supported.
    """
    try:
        entries = json.loads(text)
        columns = tuple(
            Column(entry["name"], entry["type"], bool(entry.get("required", True)))
            for entry in entries
        )
    except (ValueError, TypeError, KeyError, AttributeError) as exc:
        raise ModelArtefactError(
            "the model's signature does not name its columns; save the model with the signature "
            "of a pandas data frame"
        ) from exc
    unsupported = {column.name: column.type for column in columns if column.type not in DTYPES}
    if unsupported or not columns:
        raise ModelArtefactError(
            f"the model's signature has columns that cannot be served: {unsupported or 'none'}; "
            f"supported types are {', '.join(DTYPES)}"
        )
    return columns
