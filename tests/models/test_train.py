from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline

from ml.errors import ModelConfigError
from ml.model_config import read_model
from ml.training.build import build_pipeline, built_by
from ml.training.train import fit


def flowers(rows: int = 90) -> pd.DataFrame:
    random = np.random.default_rng(5)
    config = read_model("iris")
    kinds = np.arange(rows) % 3
    table = pd.DataFrame({name: kinds + random.normal(size=rows) for name in config.features})
    names = config.column("Species").categories
    return table.assign(Species=[names[kind] for kind in kinds])


def test_same_rows_and_settings_give_the_same_model():
    config, rows = read_model("iris"), flowers()

    one, other = (fit(build_pipeline(config), rows, config) for _ in range(2))

    features = rows[list(config.features)]
    assert (one.predict(features) == other.predict(features)).all()
    assert one.get_params()["tree__random_state"] == config.training.seed
    assert one.get_params()["tree__max_depth"] == config.training.params["max_depth"]


@pytest.mark.parametrize("name", ["diabetes", "marketing"])
def test_each_shipped_pipeline_fits_the_columns_of_its_model(name):
    config = read_model(name)
    random = np.random.default_rng(6)
    columns = {
        feature: (
            random.choice(config.column(feature).categories, 60)
            if config.column(feature).type == "category"
            else random.normal(50, 10, 60)
        )
        for feature in config.features
    }
    columns[config.target] = np.arange(60) % 2 * 1.0

    pipeline = fit(build_pipeline(config), pd.DataFrame(columns), config)

    assert len(pipeline.predict(pd.DataFrame(columns)[list(config.features)])) == 60
    cores = {value for key, value in pipeline.get_params().items() if key.endswith("n_jobs")}
    assert cores <= {1, None}  # scikit-learn's None is one


def handed_on(params):
    return Pipeline([("ridge", Ridge(**params))])


def picked(params):
    return Pipeline([("ridge", Ridge(alpha=params["alpha"], solver=params.get("solver", "auto")))])


@pytest.mark.parametrize("build", [handed_on, picked])
def test_misspelt_training_parameter_is_refused_with_the_nearest_name(build):
    pipeline_py = SimpleNamespace(build=build, Ridge=Ridge)

    with pytest.raises(ModelConfigError) as caught:
        built_by(pipeline_py, {"alpha": 2.0, "sovler": "svd"}, where="ml/models/houses")

    said = str(caught.value)
    assert said.startswith("ml/models/houses/model.yml  training.params.sovler: nothing takes the")
    assert "'svd'; pipeline.py knows alpha, " in said
    assert said.endswith("Did you mean solver?")


@pytest.mark.parametrize("build", [handed_on, picked])
def test_known_training_parameters_reach_the_estimator(build):
    pipeline_py = SimpleNamespace(build=build, Ridge=Ridge)

    pipeline = built_by(pipeline_py, {"alpha": 2.0, "solver": "svd"}, where="ml/models/houses")

    assert (pipeline["ridge"].alpha, pipeline["ridge"].solver) == (2.0, "svd")


def test_pipeline_that_cannot_be_built_is_refused_with_its_file():
    with pytest.raises(ModelConfigError, match=r"houses/pipeline\.py has no build; write def"):
        built_by(SimpleNamespace(), {}, where="ml/models/houses")
