import numpy as np
import pandas as pd
import pytest

from ml.model_config import read_model
from ml.training.train import fit


def flowers(rows: int = 90) -> pd.DataFrame:
    random = np.random.default_rng(5)
    config = read_model("iris")
    kinds = np.arange(rows) % 3
    table = pd.DataFrame({name: kinds + random.normal(size=rows) for name in config.features})
    names = config.column("Species").categories
    return table.assign(Species=[names[kind] for kind in kinds])


def test_the_same_rows_and_settings_give_the_same_model():
    config, rows = read_model("iris"), flowers()

    one, other = fit(rows, config), fit(rows, config)

    features = rows[list(config.features)]
    assert (one.predict(features) == other.predict(features)).all()
    assert one.get_params()["tree__random_state"] == config.training.seed
    assert one.get_params()["tree__max_depth"] == config.training.params["max_depth"]


@pytest.mark.parametrize("name", ["diabetes", "marketing"])
def test_every_shipped_pipeline_builds_and_fits_its_own_columns(name):
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

    pipeline = fit(pd.DataFrame(columns), config)

    assert len(pipeline.predict(pd.DataFrame(columns)[list(config.features)])) == 60
    assert all(value == 1 for key, value in pipeline.get_params().items() if key.endswith("n_jobs"))
