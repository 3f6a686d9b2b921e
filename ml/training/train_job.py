"""Step 2 of the pipeline: training rows -> MLflow model folder with its drift reference."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ml.cells.contract_file import write_contracts
from ml.drift import save_profile
from ml.errors import ModelArtefactError
from ml.model_config import MODELS, read_model
from ml.model_config.environment import read_requirements
from ml.model_folder.trusted_types import untrusted
from ml.reference.profile import PROFILE_FILE, reference_profile
from ml.step_end import told_at_the_end
from ml.step_files import TrainingRecord
from ml.tracking import JobRun
from ml.training.build import build_pipeline, unused
from ml.training.parts import check_parts, forget_distributions
from ml.training.train import fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sklearn.pipeline import Pipeline

    from ml.model_config import ModelConfig

_MLFLOW_TYPES = {"f": "double", "M": "datetime"}
# What a deployment needs; scoring.yml pins it. Given, so that MLflow does not infer it.
_REQUIREMENTS = ["scikit-learn", "pandas", "numpy", "scipy", "skops"]


def main(argv: Sequence[str] | None = None) -> None:
    """Run the step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model-name", required=True)
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    args = parser.parse_args(argv)

    config = read_model(args.model_name)
    unfitted = build_pipeline(config)
    check_parts(unfitted, where=f"ml/models/{config.name}")
    train = pd.read_parquet(args.prepared / "train.parquet")
    started = time.perf_counter()
    pipeline = fit(unfitted, train, config)
    seconds = time.perf_counter() - started

    save(pipeline, train, args.model, config=config)
    write_contracts([config.column(name) for name in config.features], args.model)
    save_profile(reference_profile(train, config), args.model / PROFILE_FILE)
    TrainingRecord(
        model=config.name,
        config_sha256=config.config_sha256,
        rows=len(train),
        test_percent=config.training.test_percent,
        seed=config.training.seed,
        params=config.training.params,
        fit_seconds=round(seconds, 3),
    ).write(args.model)
    run = JobRun.of_this_step()
    if run is not None:
        params = {**config.training.params, "seed": config.training.seed}
        run.log(params=params, metrics={"train_rows": len(train), "fit_seconds": seconds})
    print(f"{config.name}: fitted on {len(train)} rows in {seconds:.1f} s")  # noqa: T201 - job log
    for sentence in unused(config):
        print(f"{config.name} {sentence}")  # noqa: T201 - same


def save(pipeline: Pipeline, train: pd.DataFrame, folder: Path, *, config: ModelConfig) -> None:
    """Write an MLflow model folder whose estimator is a skops file, never a pickle.

    Args:
        pipeline: fitted.
        train: rows it was fitted on; the signature takes its types from them.
        folder: must not hold a model yet; Azure ML gives an output's folder empty.
        config: of the model; says which inputs may be missing in a request.

    Raises:
        ModelArtefactError: it holds what scoring would not load.
    """
    import skops.io  # noqa: PLC0415 - seconds, after the arguments were checked

    forget_distributions(pipeline)
    # Before MLflow: on import, skops searches every module that is loaded.
    found = skops.io.get_untrusted_types(data=skops.io.dumps(pipeline))
    refused = untrusted(found)
    if refused:
        raise ModelArtefactError(
            f"the fitted pipeline of {config.name} holds {', '.join(refused)}, which a model file "
            "may not name; use parts of scikit-learn, or define them in the model's folder"
        )

    import mlflow.sklearn  # noqa: PLC0415 - as above
    from mlflow.models import ModelSignature, infer_signature  # noqa: PLC0415 - same
    from mlflow.types import ColSpec, Schema  # noqa: PLC0415 - same

    features = train[list(config.features)]
    inputs = Schema(
        [
            ColSpec(
                _MLFLOW_TYPES.get(features[name].dtype.kind, "string"),
                name,
                # By the contract, not by whether these rows happen to have missing values.
                required=config.column(name).max_missing_percent == 0,
            )
            for name in config.features
        ]
    )
    outputs = infer_signature(None, pipeline.predict(features)).outputs
    folder.mkdir(parents=True, exist_ok=True)
    mlflow.sklearn.save_model(
        pipeline,
        folder,
        serialization_format="skops",
        skops_trusted_types=found,
        signature=ModelSignature(inputs, outputs),
        pip_requirements=[
            *_REQUIREMENTS,
            *(one.written for one in read_requirements(MODELS / config.name)),
        ],
    )


if __name__ == "__main__":
    with told_at_the_end():
        main()
