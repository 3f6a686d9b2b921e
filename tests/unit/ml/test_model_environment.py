"""requirements.txt of a model, and what can be said of pipeline.py without running it."""

from importlib.metadata import packages_distributions

import pytest

from ml.errors import ModelConfigError
from ml.model_config.environment import (
    ENVIRONMENTS,
    canonical,
    conda_of,
    read_requirements,
    shared_packages,
)
from ml.model_config.reader import parse_model
from ml.model_config.source import check_source

MODEL_YML = b"""
name: houses
task: regression
target: price
data:
  columns:
    area: {type: number}
    price: {type: number}
gate:
  floors: {mae: 10}
"""


@pytest.fixture
def folder(tmp_path):
    found = tmp_path / "ml" / "models" / "houses"
    found.mkdir(parents=True)
    (found / "pipeline.py").write_text("def build(params): ...\n")
    return found


def refused(folder, text):
    (folder / "requirements.txt").write_text(text)
    with pytest.raises(ModelConfigError) as caught:
        read_requirements(folder, shown="requirements.txt")
    return caught.value.problems


def test_pinned_packages_are_added_to_the_shared_environments(folder):
    (folder / "requirements.txt").write_text(
        "# trees\n\nLightGBM == 4.6.0   # as measured\nscipy==1.17.1\nshap[plots]==0.50.0\n"
    )

    for kind in ("training", "scoring"):
        added = conda_of(kind, folder, environments=ENVIRONMENTS)["dependencies"][-1]["pip"]
        assert added[-2:] == ["LightGBM == 4.6.0", "shap[plots]==0.50.0"]
        assert len(added) == len(shared_packages(kind)) + 2


def test_model_without_requirements_or_with_none_in_it_uses_the_shared_environments(folder):
    assert conda_of("training", folder, environments=ENVIRONMENTS) is None

    (folder / "requirements.txt").write_text("# nothing yet\n")

    assert conda_of("training", folder, environments=ENVIRONMENTS) is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("lightgbm", "'lightgbm' does not pin one version, so jobs could differ; write"),
        ("lightgbm>=4", "e.g. lightgbm==1.2.3"),
        ("lightgbm==4.*", "does not pin one version"),
        ("-r other.txt", "'-r' is an option of pip, not a package"),
        ("--index-url https://example.org", "'--index-url' is an option of pip"),
        ("https://example.org/a.whl", "names an address or a path, not a package of the index"),
        ("a @ git+https://example.org/a", "names an address or a path"),
        ("../a", "names an address or a path"),
        ("a==1; python_version < '4'", "has a condition after ';'"),
        ("pandas==1.0", f"pandas is {shared_packages('training')['pandas']} in the training"),
        ("a==1\nA==2", "a is named twice; keep one line"),
    ],
)
def test_line_that_is_no_plain_pin_is_refused_with_its_number(folder, line, said):
    problem = refused(folder, f"# packages\n{line}\n")[-1]

    number = 2 + line.count("\n")
    assert problem.startswith(f"requirements.txt:{number}  ")
    assert said in problem


def test_configuration_changes_with_requirements_and_is_refused_with_their_mistakes(folder):
    without = parse_model(MODEL_YML, folder).config_sha256
    (folder / "requirements.txt").write_text("lightgbm==4.6.0\n")
    assert parse_model(MODEL_YML, folder).config_sha256 != without

    (folder / "requirements.txt").write_text("lightgbm\n")
    with pytest.raises(ModelConfigError, match=r"ml/models/houses/requirements\.txt:1  "):
        parse_model(MODEL_YML, folder)


def said_of(code, folder):
    with pytest.raises(ModelConfigError) as caught:
        check_source(code.encode(), folder, shown="ml/models/houses/pipeline.py")
    return caught.value.problems


def test_import_of_what_the_environment_lacks_is_refused_with_line_and_remedy(folder):
    (problem,) = said_of("import numpy\n\nfrom lightgbm.sklearn import LGBMRegressor\n", folder)

    assert problem.startswith(
        "ml/models/houses/pipeline.py:3  imports lightgbm, which the training"
    )
    assert f"scikit-learn {shared_packages('training')['scikit-learn']}" in problem
    assert problem.endswith("add lightgbm==<version> to requirements.txt beside pipeline.py")


@pytest.mark.parametrize(
    "code",
    [
        "import json\nfrom sklearn import svm\nimport yaml\nfrom ml.models.houses import more\n",
        "try:\n    import lightgbm\nexcept ImportError:\n    lightgbm = None\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import lightgbm\n",
        "from . import more\n",
    ],
)
def test_import_that_can_end_well_is_not_refused(folder, code):
    check_source(code.encode(), folder, shown="pipeline.py")


def test_package_of_its_own_may_be_imported_by_another_name(folder):
    (folder / "requirements.txt").write_text("some-trees==1.0\n")

    check_source(b"import treelib\n", folder, shown="pipeline.py")


def test_slip_of_the_pen_is_refused_with_line_and_text(folder):
    (problem,) = said_of("def build(params)\n    return 1\n", folder)

    assert problem == ("ml/models/houses/pipeline.py:1  expected ':': def build(params); mend it")


def test_every_module_of_the_training_environment_is_known_by_its_import(folder):
    packages = shared_packages("training")
    modules = {
        module
        for module, distributions in packages_distributions().items()
        if any(canonical(name) in packages for name in distributions)
        and module.isidentifier()
        and not module.startswith("_")
    }
    assert {"sklearn", "yaml", "dateutil"} <= modules

    code = "\n".join(f"import {module}" for module in sorted(modules - {"images"}))

    check_source(code.encode(), folder, shown="pipeline.py")
