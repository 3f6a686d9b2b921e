"""How a model's inputs are read, in a file beside the model: it travels with the version."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from ml.errors import ModelArtefactError
from ml.model_config import ColumnContract

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

CONTRACT_FILE: Final = "contract.json"
_FORMAT: Final = 1
# What reading depends on, and its name in the file; limits are asked of landed files only.
_KEPT: Final = {
    "type": "type",
    "values": "categories",
    "missing": "missing",
    "decimal": "decimal",
    "thousands": "thousands",
    "format": "date_format",
    "from": "parts",
}


def write_contracts(columns: Iterable[ColumnContract], folder: Path) -> None:
    """Write how cells of these columns are read."""
    written = {column.name: _written(column) for column in columns}
    text = json.dumps({"format": _FORMAT, "columns": written}, indent=1, ensure_ascii=False)
    (folder / CONTRACT_FILE).write_text(f"{text}\n", encoding="utf-8")


def read_contracts(folder: Path) -> Mapping[str, ColumnContract]:
    """The columns' contracts by name; none where the model came without the file.

    Raises:
        ModelArtefactError: the file is damaged or of another format.
    """
    path = folder / CONTRACT_FILE
    if not path.is_file():
        return {}
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != _FORMAT:
            raise ModelArtefactError(
                f"{path} has format {document['format']}, this code reads {_FORMAT}; deploy the "
                "model with the release that trained it"
            )
        return {name: _contract(name, column) for name, column in document["columns"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise ModelArtefactError(
            f"{path} does not say how cells are read: {type(exc).__name__} {exc}; register the "
            "folder as training wrote it"
        ) from exc


def _written(column: ColumnContract) -> dict[str, Any]:
    found = {key: getattr(column, name) for key, name in _KEPT.items()}
    return {key: value for key, value in found.items() if value not in (None, ())}


def _contract(name: str, column: Mapping[str, Any]) -> ColumnContract:
    settings = {_KEPT[key]: value for key, value in column.items()}
    for key in ("categories", "missing", "parts"):
        if key in settings:
            settings[key] = tuple(settings[key])
    return ColumnContract(name, **settings)
