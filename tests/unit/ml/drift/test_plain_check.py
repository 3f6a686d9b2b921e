import numpy as np
import pandas as pd
import pytest

from ml.drift.check import Verdict, check_drift
from ml.drift.report_plain import render_report
from ml.drift.wasserstein import scaled_wasserstein
from ml.errors import UndefinedStatisticError
from ml.model_config import read_model

DIABETES = read_model("diabetes")


@pytest.fixture
def patients():
    """Makes rows; the same ones in every test, whatever runs before it."""
    random = np.random.default_rng(7)

    def make(rows: int, *, older_by: float = 0.0) -> pd.DataFrame:
        frame = pd.DataFrame(
            {name: random.normal(50.0, 10.0, rows) for name in DIABETES.features if name != "sex"}
        )
        frame["sex"] = random.integers(1, 3, rows)
        frame["age"] += older_by
        return frame

    return make


def test_moving_a_sample_by_k_standard_deviations_gives_k():
    values = np.random.default_rng(7).normal(3.0, 2.0, 500)

    assert scaled_wasserstein(values, values + 2 * values.std()) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("reference", "current", "said"),
    [
        ([1.0], [1.0], "at least 2 and 1"),
        ([1.0, np.nan], [1.0], "not finite"),
        ([4.0, 4.0], [1.0], "constant at 4"),
    ],
)
def test_an_undefined_distance_is_refused_with_its_reason(reference, current, said):
    with pytest.raises(UndefinedStatisticError, match=said):
        scaled_wasserstein(np.array(reference), np.array(current))


def test_a_shifted_feature_is_drift_and_is_named_first(patients):
    result = check_drift(patients(300), patients(300, older_by=10.0), DIABETES)

    assert result.verdict is Verdict.DRIFT
    assert result.features[0].feature == "age"
    # One sd, give or take four standard errors of a difference of means: 4 * sqrt(2 / 300).
    assert result.features[0].statistic == pytest.approx(1.0, abs=0.33)
    assert "age moved by" in result.sentence


def test_small_windows_without_drift_stay_quiet(patients):
    alarms = sum(
        check_drift(patients(200), patients(60), DIABETES).verdict is Verdict.DRIFT
        for _ in range(40)
    )

    # Ten features a check at about 1/3,000 each: more than one in 40 checks has odds of 1:130.
    assert alarms <= 1


def test_too_few_rows_are_said_to_be_too_few(patients):
    result = check_drift(patients(300), patients(49, older_by=50.0), DIABETES)

    assert result.verdict is Verdict.NOT_ENOUGH_DATA
    assert "49 rows arrived, at least 50" in result.sentence


def test_a_new_category_counts_and_is_named(patients):
    reference, current = patients(300), patients(300)
    current["sex"] = 3

    result = check_drift(reference, current, DIABETES)

    assert result.features[0].feature == "sex"
    assert result.features[0].statistic == pytest.approx(1.0)
    assert result.features[0].note == "new: 3"


def test_a_constant_reference_that_varies_now_is_drift_without_dividing_by_zero(patients):
    reference, current = patients(300), patients(300)
    reference["bp"] = 80.0

    signal = next(
        f for f in check_drift(reference, current, DIABETES).features if f.feature == "bp"
    )

    assert signal.drifted
    assert signal.note == "was constant at 80"


def test_a_column_missing_from_production_is_drift_and_the_report_still_comes(patients):
    reference, current = patients(300), patients(300).drop(columns="s5")

    result = check_drift(reference, current, DIABETES)
    page = render_report(result, reference, current, config=DIABETES, title="Drift report")

    assert result.features[0].feature == "s5"
    assert "absent from production rows" in page


def test_the_report_speaks_first_and_asks_nothing_of_the_network(patients):
    reference, current = patients(300), patients(300, older_by=10.0)
    result = check_drift(reference, current, DIABETES)

    page = render_report(result, reference, current, config=DIABETES, title="<script>alert(1)")

    assert page.index(result.sentence.split("(")[0]) < page.index("<svg")
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert "http://" not in page
    assert "https://" not in page
    assert page.count('role="img" aria-label="changed by') == len(DIABETES.features)
    assert len(page) < 60_000
