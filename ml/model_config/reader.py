"""Parses a model.yml into a ModelConfig, or lists every mistake in it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final, get_args

from pydantic import TypeAdapter, ValidationError

from ml.errors import ModelConfigError
from ml.metrics import Task
from ml.model_config.config import SHA256_KEY, ModelConfig, plain_positive
from ml.model_config.environment import REQUIREMENTS
from ml.model_config.fields import Top
from ml.model_config.problems import Problems
from ml.model_config.refusals import place_of, sentence
from ml.model_config.source import check_source
from ml.model_config.yaml_file import read_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from ml.model_config.yaml_file import YamlFile

_ADAPTER: Final = TypeAdapter(ModelConfig)


def parse_model(content: bytes, folder: Path) -> ModelConfig:
    """Check a model.yml's content.

    Raises:
        ModelConfigError: every mistake at once, in file order.
    """
    problems = Problems(_shown(folder / "model.yml"))
    file = read_yaml(content, problems)
    if file is None:
        raise ModelConfigError(problems.lines())
    code = folder / "pipeline.py"
    file.written[SHA256_KEY] = _sha256(file, code) if code.is_file() else ""
    of_code = _problems_of_code(code) if code.is_file() else ()
    if not code.is_file():
        problems.add_missing_file(_shown(code), "write build(params) in it")
    try:
        found = _ADAPTER.validate_python(
            _with_params(file), context=_top(file.written, folder), by_alias=True, by_name=False
        )
    except ValidationError as exc:
        for error in exc.errors(include_url=False):
            place = place_of(error)
            problems.add(file.line(place), place, sentence(error, ModelConfig))
    if problems or of_code:
        raise ModelConfigError((*problems.lines(), *of_code))
    return found


def _problems_of_code(code: Path) -> tuple[str, ...]:
    try:
        check_source(code.read_bytes(), code.parent, shown=_shown(code))
    except ModelConfigError as exc:
        return exc.problems
    return ()


def _with_params(file: YamlFile) -> dict[str, Any]:
    """The file's values as written, but training.params with YAML's types, for scikit-learn."""
    training = file.written.get("training")
    if not isinstance(training, dict) or "params" not in training:
        return file.written
    params = file.meant["training"]["params"]
    return {**file.written, "training": {**training, "params": params}}


def _top(written: dict[str, Any], folder: Path) -> Top:
    def names(section: str, key: str) -> tuple[str, ...]:
        found = written.get(section)
        below = found.get(key) if isinstance(found, dict) else None
        return tuple(below) if isinstance(below, dict) else ()

    task = written.get("task")
    return Top(
        folder=folder.name,
        task=task if task in get_args(Task) else None,
        columns=names("data", "columns"),
        floors=names("gate", "floors"),
        has_id="id" in written,
        has_time="time" in written,
        unnamed_classes=_unnamed_classes(written),
    )


def _unnamed_classes(written: dict[str, Any]) -> tuple[str, ...]:
    data = written.get("data")
    columns = data.get("columns") if isinstance(data, dict) else None
    target = columns.get(str(written.get("target"))) if isinstance(columns, dict) else None
    values = target.get("values") if isinstance(target, dict) else None
    if "positive" in written or not isinstance(values, list):
        return ()
    classes = tuple(value for value in values if isinstance(value, str))
    return () if plain_positive(classes) else classes


def _sha256(file: YamlFile, code: Path) -> str:
    """Hash of the settings, without comments and order, and of all code and requirements.txt."""
    canonical = json.dumps(_sorted(file.meant), separators=(",", ":"), default=str)
    canonical += "\n".join(file.unlike)
    parts = [canonical.encode(), _text(code)]
    own = code.with_name(REQUIREMENTS)
    if own.is_file():
        parts.append(_text(own))
    for other in sorted(code.parent.rglob("*.py")):
        if other != code:
            parts += [other.relative_to(code.parent).as_posix().encode(), _text(other)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _text(file: Path) -> bytes:
    """Its content; line ends differ between checkouts, the model does not."""
    return file.read_bytes().replace(b"\r\n", b"\n")


def _sorted(meant: Any) -> Any:
    """Sort mappings by key, recursively; YAML keys may have any type."""
    if isinstance(meant, dict):
        return {str(key): _sorted(meant[key]) for key in sorted(meant, key=str)}
    return [_sorted(item) for item in meant] if isinstance(meant, list) else meant


def _shown(path: Path) -> str:
    """The path relative to the project's root, for messages."""
    parts = path.parts[-4:]
    return "/".join(parts) if parts[:2] == ("ml", "models") else str(path)
