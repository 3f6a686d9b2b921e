"""Rules that hold for every statistic of the registry."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ml.drift import (
    AlarmBudget,
    DriftInputError,
    Profile,
    Signal,
    check,
    load_result,
    render_report,
    save_result,
    statistics,
)
from ml.drift.statistics.registry import all_statistics, statistic_named


def _rows(seed, *, rows=2_000, shift=0.0):
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "number": rng.normal(shift, 1, rows),
            "category": rng.choice(["a", "b", "c"], rows),
            "constant": np.full(rows, 3.0 + shift),
            "missing": np.where(rng.random(rows) < 0.1, np.nan, rng.normal(size=rows)),
        }
    )


@pytest.fixture(scope="module")
def profile():
    return Profile.fit(_rows(1, rows=5_000), draws=500)


def test_every_module_of_the_package_defines_one_statistic():
    modules = {path.stem for path in Path(statistics.__path__[0]).glob("*.py")}

    assert len(all_statistics()) == len(modules - {"__init__", "registry"})
    assert len({one.name for one in all_statistics()}) == len(all_statistics())
    assert all(statistic_named(one.name) is one for one in all_statistics())


def test_statistics_of_a_column_share_its_false_alarm_budget(profile):
    for column in check(profile, _rows(2, shift=0.5)).columns:
        shares = [statistic_named(signal.statistic).alarm_share for signal in column.signals]

        assert 0 < sum(shares) <= 1


def test_every_statistic_is_computed_and_explained_in_the_report(profile):
    result = check(profile, _rows(3, shift=0.5))
    html = render_report(result)

    seen = {signal.statistic for column in result.columns for signal in column.signals}
    for one in all_statistics():
        assert one.name in seen
        assert one.label.capitalize() in html
        assert one.method in html.replace("&#x27;", "'")


def test_every_signal_has_a_positive_limit_and_a_sentence_quoting_it(profile):
    result = check(profile, _rows(4, shift=0.5))

    for column in result.columns:
        for signal in column.signals:
            one = statistic_named(signal.statistic)
            value, limit = one.figure(signal.value), one.figure(signal.limit)
            assert signal.value >= 0
            assert signal.limit > 0
            assert limit in one.change(column, value, limit)


def test_smaller_alarm_budget_never_lowers_a_limit(profile):
    rows = _rows(5)
    many = check(profile, rows, alarm_budget=AlarmBudget(false_alarms_per_year=50))
    few = check(profile, rows, alarm_budget=AlarmBudget(false_alarms_per_year=0.1))

    for column in many.columns:
        for signal in column.signals:
            assert few[column.name].signal(signal.statistic).limit >= signal.limit


def test_statistic_without_stored_overdispersion_is_limited_by_chance_alone():
    rows = _rows(6, rows=5_000)
    drifting = pa.table({"number": np.cumsum(np.random.default_rng(7).normal(size=5_000))})
    fitted = Profile.fit(drifting, draws=500)
    older = replace(
        fitted,
        references=tuple(replace(r, overdispersion={}, same_weekday={}) for r in fitted.references),
    )

    by_past, by_chance = (check(one, rows.select(["number"]))["number"] for one in (fitted, older))

    for signal in by_chance.signals:
        assert signal.limit <= by_past.signal(signal.statistic).limit


def test_result_with_an_unknown_statistic_is_loaded_but_not_rendered(profile, tmp_path):
    result = check(profile, _rows(8, shift=0.5))
    stranger = replace(result.columns[0], signals=(Signal("stranger", 2.0, 1.0),))
    save_result(replace(result, columns=(stranger,)), tmp_path / "drift.json")

    again = load_result(tmp_path / "drift.json")

    assert again.columns[0].leading.statistic == "stranger"
    with pytest.raises(DriftInputError, match="statistic stranger is not one of distance"):
        render_report(again)
