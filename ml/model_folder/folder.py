"""Finds, reads and loads the folder of an MLflow model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import yaml

from ml.cells.contract_file import read_contracts
from ml.errors import ModelArtefactError
from ml.model_folder.signature import Column, parse_signature
from ml.model_folder.trusted_types import untrusted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd
    from numpy.typing import ArrayLike

    from ml.model_config import ColumnContract

_MLMODEL = "MLmodel"
# Azure mounts a registered model at .../azureml-models/<name>/<version>.
_MOUNT = "azureml-models"


class Predictor(Protocol):
    """The part of a scikit-learn estimator that scoring needs."""

    def predict(self, frame: pd.DataFrame) -> ArrayLike:
        """One prediction a row."""
        ...


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """The content of an MLmodel file, with the model's name and version from the mounted path.

    `contracts` say how cells of the columns are read; a model that came without them is served by
    its signature alone.
    """

    path: Path
    name: str
    version: str
    columns: tuple[Column, ...]
    skops_file: Path
    contracts: Mapping[str, ColumnContract] = field(default_factory=dict)

    @classmethod
    def read(cls, model_dir: Path) -> ModelFolder:
        """Find and read the MLmodel in `model_dir` or in one of its folders.

        Raises:
            ModelArtefactError: no or several MLmodel files, unreadable, not skops, no signature.
        """
        found = sorted({*model_dir.glob(_MLMODEL), *model_dir.glob(f"*/{_MLMODEL}")})
        if len(found) != 1:
            raise ModelArtefactError(
                f"{model_dir} holds {len(found)} MLmodel files, wanted 1; register the folder "
                "that mlflow.sklearn.save_model wrote"
            )
        path = found[0].parent
        try:
            document = yaml.safe_load(found[0].read_text(encoding="utf-8"))
            flavor = document["flavors"]["sklearn"]
            inputs = document["signature"]["inputs"]
            if flavor["serialization_format"] != "skops":
                raise ModelArtefactError(
                    f"{path} was saved as {flavor['serialization_format']}; pickles are not "
                    'loaded: save it with serialization_format="skops"'
                )
            skops_file = path / flavor["pickled_model"]
        except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError) as exc:
            raise ModelArtefactError(
                f"{found[0]} is not an MLflow scikit-learn model with a signature: "
                f"{type(exc).__name__} {exc}; save it with mlflow.sklearn.save_model(signature=…)"
            ) from exc
        if skops_file.resolve().parent != path.resolve() or not skops_file.is_file():
            raise ModelArtefactError(f"{found[0]} names {flavor['pickled_model']}, which is absent")
        name, version = _mounted_as(model_dir)
        return cls(
            path=path,
            name=name,
            version=version,
            columns=parse_signature(inputs),
            skops_file=skops_file,
            contracts=read_contracts(path),
        )

    def load(self) -> Predictor:
        """Load the estimator; only trusted types are allowed.

        Raises:
            ModelArtefactError: it contains other types, or does not load.
        """
        import skops.io  # noqa: PLC0415 - seconds and 90 MB, only to load a model
        from skops.io.exceptions import UntrustedTypesFoundException  # noqa: PLC0415 - same

        needed: list[str] = skops.io.get_untrusted_types(file=self.skops_file)
        refused = untrusted(needed)
        if refused:
            raise ModelArtefactError(
                f"{self.skops_file} holds types that are not trusted: {', '.join(refused)}; "
                "define them in ml/models/ or add them to ml/model_folder/trusted_types.py"
            )
        try:
            model: Predictor = skops.io.load(self.skops_file, trusted=needed)
        except UntrustedTypesFoundException as exc:
            # The file was replaced after its types were listed.
            raise ModelArtefactError(f"{self.skops_file}: {exc}") from exc
        return model


def _mounted_as(model_dir: Path) -> tuple[str, str]:
    parts = model_dir.resolve().parts
    if _MOUNT in parts[:-2]:
        at = len(parts) - 1 - parts[::-1].index(_MOUNT)
        if at + 2 < len(parts):
            return parts[at + 1], parts[at + 2]
    return model_dir.resolve().name, "unknown"
