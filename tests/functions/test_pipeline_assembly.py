"""The pipeline of a cycle, built by Azure's SDK, which is slow to import."""

import shutil
from pathlib import Path

import pytest

from shared.adapters.azure_ml_pipeline import PipelineSettings, build_pipeline
from shared.domain.retraining import Mode
from shared.errors import ModelConfigError
from shared.ports.jobs import JobRequest

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = PipelineSettings(code=ROOT, compute="serverless", datastore="retrain_data")

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:azure|marshmallow|msrest|pydash"
)


def a_job(mode=Mode.RETRAIN, *, champion=None, challenger=None):
    return JobRequest(
        name=f"{mode}-0123456789ab-2",
        model="diabetes",
        cycle_id="0123456789ab",
        mode=mode,
        pins="diabetes/pins/0123456789ab.json",
        data_version="0123456789ab",
        config_sha256="c0ffee",
        champion_version=champion,
        challenger_version=challenger,
        fact_seq=12,
    )


def inputs_of(pipeline, step):
    return {
        name: given["path"] if isinstance(given, dict) else given
        for name, given in pipeline._to_dict()["jobs"][step]["inputs"].items()
    }


@pytest.fixture(scope="module")
def first_training():
    return build_pipeline(a_job(), SETTINGS)


def test_retraining_job_has_the_steps_prepare_train_evaluate_register(first_training):
    assert list(first_training.jobs) == ["prepare", "train", "evaluate", "register"]
    assert first_training._validate().passed


def test_first_training_has_no_champion_input(first_training):
    assert "champion" not in first_training.inputs
    assert "champion" not in inputs_of(first_training, "evaluate")


def test_job_has_the_name_experiment_and_tags_of_its_cycle(first_training):
    assert first_training.name == "retrain-0123456789ab-2"
    assert first_training.experiment_name == "diabetes"
    assert first_training.tags["cycle_id"] == "0123456789ab"
    assert first_training.tags["fact_seq"] == "12"


def test_evidence_is_written_where_the_function_reads_it(first_training):
    assert first_training.outputs["evidence"].path == (
        "azureml://datastores/workspaceblobstore/paths/evidence/diabetes/retrain-0123456789ab-2/"
    )


def test_registration_step_gets_attempt_fact_sequence_and_evidence(first_training):
    given = inputs_of(first_training, "register")

    assert (int(given["attempt"]), int(given["fact_seq"])) == (2, 12)
    assert given["evidence"] == "${{parent.jobs.evaluate.outputs.evidence}}"


def test_champion_is_an_input_of_the_evaluation():
    pipeline = build_pipeline(a_job(champion="9"), SETTINGS)

    assert pipeline.inputs["champion"].path == "azureml:diabetes:9"
    assert inputs_of(pipeline, "evaluate")["champion_version"] == (
        "${{parent.inputs.champion_version}}"
    )


def test_evaluate_only_job_has_no_training_step():
    job = a_job(Mode.EVALUATE, champion="9", challenger="10")

    pipeline = build_pipeline(job, SETTINGS)

    assert list(pipeline.jobs) == ["prepare", "evaluate"]
    assert pipeline.inputs["challenger"].path == "azureml:diabetes:10"
    assert pipeline._validate().passed


def test_every_step_has_a_timeout(first_training):
    assert {step.limits.timeout for step in first_training.jobs.values()} == {7200}


@pytest.fixture
def code_with_requirements(tmp_path):
    """`ml/` as it is, and a model that brings a package of its own."""
    shutil.copytree(ROOT / "ml" / "jobs", tmp_path / "ml" / "jobs")
    shutil.copytree(ROOT / "ml" / "environments", tmp_path / "ml" / "environments")
    model = tmp_path / "ml" / "models" / "diabetes"
    model.mkdir(parents=True)
    (model / "requirements.txt").write_text("lightgbm==4.6.0  # trees\nnumpy==2.4.6\n")
    return tmp_path


def environment_of(pipeline, step):
    return pipeline.jobs[step].component.environment


def test_model_with_requirements_trains_and_is_judged_in_an_environment_of_its_own(
    code_with_requirements,
):
    settings = PipelineSettings(
        code=code_with_requirements, compute="serverless", datastore="retrain_data"
    )

    pipeline, again = (build_pipeline(a_job(), settings) for _ in range(2))

    shared = environment_of(pipeline, "prepare")
    own = environment_of(pipeline, "train")
    packages = own.conda_file["dependencies"][-1]["pip"]
    assert packages[-1] == "lightgbm==4.6.0"
    assert packages[:-1] == shared.conda_file["dependencies"][-1]["pip"]
    assert own.image == shared.image
    assert environment_of(pipeline, "evaluate").version == own.version != shared.version
    assert environment_of(again, "train").version == own.version


def test_requirements_with_a_mistake_are_refused_before_a_job_is_submitted(code_with_requirements):
    own = code_with_requirements / "ml" / "models" / "diabetes" / "requirements.txt"
    own.write_text("lightgbm\n")
    settings = PipelineSettings(
        code=code_with_requirements, compute="serverless", datastore="retrain_data"
    )

    with pytest.raises(ModelConfigError, match=r"requirements\.txt:1  'lightgbm' does not pin"):
        build_pipeline(a_job(), settings)
