"""Reads model.yml of a model, and translates the errors of the reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.errors import ModelConfigError, UnknownModelError

if TYPE_CHECKING:
    from pathlib import Path

    from ml.model_config import ModelConfig


def read_config(model: str, root: Path | None) -> ModelConfig:
    """Parse model.yml in `root`, or in the deployed folder of models.

    Raises:
        UnknownModelError: the folder does not exist.
        ModelConfigError: it has mistakes.
    """
    from ml import errors, model_config  # noqa: PLC0415 - yaml, when a policy or a file needs it

    try:
        return model_config.read_model(model, root or model_config.MODELS)
    except errors.UnknownModelError as exc:
        raise UnknownModelError(str(exc)) from exc
    except errors.ModelConfigError as exc:
        raise ModelConfigError(str(exc)) from exc
