"""The model folders below ml/models, and the settings of each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from ml.did_you_mean import did_you_mean
from ml.errors import ModelConfigError, UnknownModelError

if TYPE_CHECKING:
    from ml.model_config.config import ModelConfig

MODELS: Final = Path(__file__).parents[1] / "models"


def available_models(root: Path = MODELS) -> tuple[str, ...]:
    """Names of the model folders, sorted. Reads no file: cheap enough for every event."""
    return tuple(sorted(path.parent.name for path in root.glob("*/model.yml")))


def read_model(name: str, root: Path = MODELS) -> ModelConfig:
    """Read and check one model.

    Raises:
        UnknownModelError: the folder does not exist; the message suggests the nearest name.
        ModelConfigError: every mistake in the file at once, each with line and remedy.
    """
    from ml.model_config.reader import parse_model  # noqa: PLC0415 - see the package's docstring

    known = available_models(root)
    if name not in known:
        names = ", ".join(known) or "none"
        raise UnknownModelError(
            f"no model {name!r}; there are: {names}.{did_you_mean(name, known)}"
        )
    folder = root / name
    return parse_model((folder / "model.yml").read_bytes(), folder)


def read_all(root: Path = MODELS) -> tuple[ModelConfig, ...]:
    """Read every model; one ModelConfigError holds the mistakes of all files."""
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
