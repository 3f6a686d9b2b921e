"""The model folders below ml/models: which there are, and the settings of each."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ml.errors import ModelConfigError, UnknownModelError

if TYPE_CHECKING:
    from ml.model_config.settings import ModelConfig

MODELS: Final = Path(__file__).parents[1] / "models"


def available_models(root: Path = MODELS) -> tuple[str, ...]:
    """Names of the model folders, sorted. Reads no file: cheap enough for every event."""
    return tuple(sorted(path.parent.name for path in root.glob("*/model.yml")))


def read_model(name: str, root: Path = MODELS) -> ModelConfig:
    """Read and check one model.

    Raises:
        UnknownModelError: no such folder; the message names the nearest one.
        ModelConfigError: every mistake in the file at once, each with line and remedy.
    """
    from ml.model_config.reader import parse_model  # noqa: PLC0415 - keeps yaml out of available_models
    from ml.model_config.yaml_sections import did_you_mean  # noqa: PLC0415 - same

    known = available_models(root)
    if name not in known:
        names = ", ".join(known) or "none"
        raise UnknownModelError(
            f"no model {name!r}; there are: {names}.{did_you_mean(name, known)}"
        )
    folder = root / name
    content = (folder / "model.yml").read_bytes()
    return parse_model(content, folder=folder, sha256=_sha256)


def read_all(root: Path = MODELS) -> tuple[ModelConfig, ...]:
    """Every model; the mistakes of all files come in one ModelConfigError."""
    configs: list[ModelConfig] = []
    problems: list[str] = []
    for name in available_models(root):
        try:
            configs.append(read_model(name, root))
        except ModelConfigError as exc:
            problems += exc.problems
    if problems:
        raise ModelConfigError(problems)
    return tuple(configs)


def _sha256(settings: object, folder: Path) -> str:
    """Hash of what decides: the settings without comments or order, and pipeline.py."""
    canonical = json.dumps(settings, sort_keys=True, separators=(",", ":"), default=str)
    # Line ends differ between checkouts; the model does not.
    code = (folder / "pipeline.py").read_bytes().replace(b"\r\n", b"\n")
    return hashlib.sha256(canonical.encode() + b"\0" + code).hexdigest()
