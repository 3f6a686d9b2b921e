"""Reads model.yml and requirements.txt of a model, and translates the errors of the reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

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


def own_conda(
    kind: Literal["training", "scoring"], model: str, code: Path
) -> dict[str, Any] | None:
    """The conda file of a model that brings requirements.txt; None where the shared one serves.

    Args:
        kind: of its jobs, or of its deployments.
        model: name of its folder.
        code: the folder that holds `ml/`.

    Raises:
        ModelConfigError: requirements.txt has mistakes.
    """
    from ml import errors  # noqa: PLC0415 - as above
    from ml.model_config.environment import conda_of  # noqa: PLC0415 - same

    ml = code / "ml"
    try:
        return conda_of(kind, ml / "models" / model, environments=ml / "environments")
    except errors.ModelConfigError as exc:
        raise ModelConfigError(str(exc)) from exc
