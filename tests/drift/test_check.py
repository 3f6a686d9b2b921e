from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import ml.drift
from ml.drift import (
    AlarmBudget,
    DriftInputError,
    HistoryKind,
    Kind,
    Profile,
    Role,
    Verdict,
    check,
    load_profile,
    save_profile,
)
from ml.drift.report.sentences import details, headline

MONDAY = date(2026, 3, 2)


def _rows(size, seed, **changes):
    rng = np.random.default_rng(seed)
    columns = {
        "a": rng.normal(size=size),
        "b": rng.lognormal(size=size),
        "count": rng.poisson(4, size),
        "kind": np.array(["red", "green", "blue"])[rng.choice(3, size, p=[0.6, 0.3, 0.1])],
        "flag": rng.random(size) < 0.2,
    }
    return pa.table({**columns, **{k: v(rng, size) for k, v in changes.items()}})


def _fit(data, **options):
    return Profile.fit(data, draws=4_000, **options)


@pytest.fixture(scope="module")
def profile():
    return _fit(_rows(20_000, 1), name="champion version 7")


def test_rows_of_the_same_distribution_are_not_drift(profile):
    result = check(profile, _rows(2_000, 2))

    assert result.verdict is Verdict.NO_DRIFT
    assert headline(result).startswith("No drift in 5 columns.")


def test_shifted_mean_is_drift_and_its_column_is_listed_first(profile):
    moved = _rows(2_000, 3, a=lambda rng, n: rng.normal(0.5, 1, n))

    result = check(profile, moved)

    assert result.verdict is Verdict.DRIFT
    assert result.columns[0].name == "a"
    assert result["a"].wasserstein[0] == pytest.approx(0.5, abs=0.08)
    assert result["a"].alarm_share == 1.0
    assert [f.name for f in result.drifted] == ["a"]
    assert details(result)[0].startswith("a moved by 0.")


def test_changed_share_of_categories_is_drift(profile):
    moved = _rows(
        2_000, 4, kind=lambda rng, n: np.array(["red", "blue"])[(rng.random(n) < 0.4).astype(int)]
    )

    result = check(profile, moved)

    assert [f.name for f in result.drifted] == ["kind"]
    assert result["kind"].vanished_categories == ("green",)


def test_many_rows_of_a_new_category_are_drift_and_are_counted(profile):
    def _with_new(rng, n):
        return ["violet" if x < 0.03 else "red" if x < 0.62 else "green" for x in rng.random(n)]

    result = check(profile, _rows(3_000, 5, kind=_with_new))

    signal = result["kind"].signal("unseen")
    assert signal.value > signal.limit
    assert result["kind"].new_categories["violet"] == round(signal.value * 3_000)


def test_single_row_of_a_new_category_is_not_drift(profile):
    result = check(
        profile,
        _rows(
            2_000,
            6,
            kind=lambda rng, n: [
                "violet",
                *np.array(["red", "green", "blue"])[rng.choice(3, n - 1, p=[0.6, 0.3, 0.1])],
            ],
        ),
    )

    assert result.verdict is Verdict.NO_DRIFT
    assert result["kind"].new_categories == {"violet": 1}


def test_newly_missing_values_are_drift_of_the_missing_share(profile):
    def _holes(rng, n):
        return np.where(rng.random(n) < 0.05, np.nan, rng.normal(size=n))

    result = check(profile, _rows(2_000, 7, a=_holes))

    assert result["a"].leading.statistic == "missing"
    assert result["a"].verdict is Verdict.DRIFT
    assert "is missing in" in details(result)[0]


def test_stretched_tail_and_repeated_value_are_detected_by_shares(profile):
    def _tail(rng, n):
        x = rng.normal(size=n)
        return np.where(x > 1.645, 1.645 + 2 * (x - 1.645), x)

    def _atom(rng, n):
        x = rng.normal(size=n)
        x[::20] = 0.0
        return x

    for change in (_tail, _atom):
        result = check(profile, _rows(10_000, 8, a=change))

        assert result["a"].leading.statistic == "shares"
        assert result["a"].verdict is Verdict.DRIFT
        assert result["a"].wasserstein[0] < 0.05


def test_too_few_rows_are_not_enough_data_and_the_sentence_gives_the_minimum(profile):
    result = check(profile, _rows(41, 9, a=lambda rng, n: rng.normal(5, 1, n)))

    assert result.verdict is Verdict.NOT_ENOUGH_DATA
    assert headline(result) == ("Not enough data: 41 rows arrived, at least 200 are needed.")


def test_empty_window_is_not_enough_data(profile):
    result = check(profile, _rows(0, 9))

    assert result.verdict is Verdict.NOT_ENOUGH_DATA
    assert result.rows == 0


def test_missing_column_is_drift_and_new_column_is_only_noted(profile):
    rows = _rows(1_000, 10).drop_columns(["b"]).append_column("extra", pa.array(range(1_000)))

    result = check(profile, rows)

    assert result.verdict is Verdict.DRIFT
    assert result.vanished_columns == ("b",)
    assert result.new_columns == ("extra",)
    assert "Column b is gone: counted as drift." in details(result)


def test_constant_empty_text_date_and_infinite_columns_are_noted():
    def _table(seed, constant, size=5_000):
        rng = np.random.default_rng(seed)
        return pa.table(
            {
                "constant": np.full(size, 3.5) if constant else rng.normal(3.5, 1, size),
                "empty": pa.nulls(size),
                "text": [f"id-{i}-{seed}" for i in range(size)],
                "when": pa.array(
                    [date(2026, 1, 1) + timedelta(days=int(d)) for d in rng.integers(0, 90, size)]
                ),
                "wild": np.where(rng.random(size) < 0.01, np.inf, rng.normal(size=size)),
            }
        )

    reference = _fit(_table(1, constant=True))
    quiet = check(reference, _table(2, constant=True))
    varied = check(reference, _table(3, constant=False))

    assert quiet.verdict is Verdict.NO_DRIFT
    assert [f.name for f in varied.drifted] == ["constant"]
    assert "was constant and now differs in 100 % of the rows" in details(varied)[0]
    notes = "\n".join(reference.describe())
    for name in ("constant", "empty", "text", "when", "wild"):
        assert f"{name}: " in notes
    assert reference["when"].column.kind is Kind.DATE


def test_predictions_and_labels_are_judged_like_features():
    rng = np.random.default_rng(1)
    reference = _fit(
        pa.table({"x": rng.normal(size=5_000), "score": rng.random(5_000), "y": rng.random(5_000)}),
        roles={"score": Role.PREDICTION, "y": Role.LABEL},
    )

    result = check(
        reference,
        pa.table({"x": rng.normal(size=900), "score": rng.random(900) ** 3}).append_column(
            "y", pa.array(rng.random(900))
        ),
    )

    assert [(f.name, f.role) for f in result.drifted] == [("score", Role.PREDICTION)]


def test_since_is_the_first_of_the_consecutive_days_with_drift(profile):
    past = []
    for k, shift in enumerate([0.0, 0.6, 0.0, 0.6, 0.6]):
        rows = _rows(1_000, 20 + k, a=lambda rng, n, s=shift: rng.normal(s, 1, n))
        past.append(check(profile, rows, day=MONDAY + timedelta(days=k), past=past))

    last = past[-1]

    assert last["a"].since == MONDAY + timedelta(days=3)
    assert len(last["a"].past) == 5
    assert "First above the limit on 5 Mar 2026, 1 day before." in details(last)


def test_profile_round_trips_byte_for_byte(profile, tmp_path):
    rows = _rows(1_500, 30, b=lambda rng, n: rng.lognormal(0.4, 1, n))

    save_profile(profile, tmp_path / "one")
    again = load_profile(tmp_path / "one")
    save_profile(again, tmp_path / "two")

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert check(again, rows) == check(profile, rows)


def test_profile_takes_less_than_twenty_kilobytes_a_column(profile, tmp_path):
    save_profile(profile, tmp_path / "p")

    assert (tmp_path / "p").stat().st_size < 5 * 20_000


def test_file_that_is_not_a_profile_is_refused(tmp_path):
    (tmp_path / "p").write_text("hello")

    with pytest.raises(DriftInputError, match="not a profile of format 2"):
        load_profile(tmp_path / "p")


def test_alarm_budget_of_zero_is_refused():
    with pytest.raises(DriftInputError, match="false_alarms_per_year is 0"):
        AlarmBudget(false_alarms_per_year=0)


def test_smaller_alarm_budget_raises_limits(profile):
    rows = _rows(1_000, 40)

    often = check(profile, rows, alarm_budget=AlarmBudget(false_alarms_per_year=50))
    seldom = check(profile, rows, alarm_budget=AlarmBudget(false_alarms_per_year=0.1))

    for name in ("a", "b", "count"):
        assert often[name].signal("distance").limit < seldom[name].signal("distance").limit


def _days(first, count, seed, pattern, rows=400):
    rng = np.random.default_rng(seed)
    values, when = [], []
    for k in range(count):
        day = first + timedelta(days=k)
        values.append(rng.normal(pattern[day.weekday()], 1, rows))
        when += [day] * rows
    return pa.table({"x": np.concatenate(values), "when": pa.array(when)})


def test_mondays_are_compared_with_mondays_if_weekdays_differ():
    pattern = [0.0, 0.3, -0.3, 0.5, 0.1, -0.6, 0.9]
    reference = _fit(_days(MONDAY, 112, 1, pattern), time_column="when")

    weekend = [
        check(reference, _days(MONDAY + timedelta(days=k), 1, k, pattern)) for k in (117, 118)
    ]
    moved = check(reference, _days(MONDAY + timedelta(days=117), 1, 9, [p + 0.6 for p in pattern]))

    assert reference.history is HistoryKind.DAYS
    assert [r.verdict for r in weekend] == [Verdict.NO_DRIFT] * 2
    assert weekend[0].day == MONDAY + timedelta(days=117)
    assert moved.verdict is Verdict.DRIFT


def _swinging(first, count, seed, *, swing, shift=0.0, rows=400):
    """Days whose mean varies by `swing` standard deviations, and categories that vary with it."""
    rng = np.random.default_rng(seed)
    means = np.repeat(rng.normal(shift, swing, count), rows)
    values = rng.normal(means, 1)
    when = np.repeat(np.arange(count) + np.datetime64(first), rows)
    kind = np.where(values > 0, "high", "low")
    return pa.table({"x": values, "kind": kind, "when": when})


@pytest.mark.parametrize("columns", [["x", "when"], ["kind", "when"]])
def test_reference_too_overdispersed_to_see_a_shift_of_one_sd_is_not_enough_data(columns):
    reference = _fit(_swinging(MONDAY, 120, 1, swing=1.0).select(columns), time_column="when")
    later = MONDAY + timedelta(days=130)

    for shift in (0.0, 1.0):
        day = _swinging(later, 1, 2, swing=0.0, shift=shift).select(columns)
        result = check(reference, day)

        assert result.verdict is Verdict.NOT_ENOUGH_DATA
        assert {f.verdict for f in result.columns} == {Verdict.NOT_ENOUGH_DATA}


@pytest.mark.parametrize("columns", [["x", "when"], ["kind", "when"]])
def test_slightly_overdispersed_days_drift_only_when_shifted(
    columns,
):
    reference = _fit(_swinging(MONDAY, 120, 1, swing=0.05).select(columns), time_column="when")
    later = MONDAY + timedelta(days=130)

    def _verdict(seed, shift):
        day = _swinging(later, 1, seed, swing=0.05, shift=shift).select(columns)
        return check(reference, day).verdict

    assert {_verdict(seed, 0.0) for seed in range(2, 22)} == {Verdict.NO_DRIFT}
    assert {_verdict(seed, 0.5) for seed in range(2, 22)} == {Verdict.DRIFT}


def test_one_overdispersed_column_does_not_hide_drift_of_the_others():
    def _table(days, seed, shift=0.0):
        swinging = _swinging(MONDAY + timedelta(days=days[0]), len(days), seed, swing=1.0)
        rng = np.random.default_rng(seed)
        steady = {name: rng.normal(shift, 1, swinging.num_rows) for name in ("a", "b")}
        return pa.table({"x": swinging["x"], "when": swinging["when"], **steady})

    reference = _fit(_table(range(120), 1), time_column="when")
    quiet = check(reference, _table([130], 2))
    moved = check(reference, _table([130], 2, shift=0.5))

    assert quiet.verdict is Verdict.NO_DRIFT
    assert quiet["x"].verdict is Verdict.NOT_ENOUGH_DATA
    assert sorted(f.name for f in moved.drifted) == ["a", "b"]


def test_days_without_rows_in_the_window_are_named():
    reference = _fit(_days(MONDAY, 30, 1, [0.0] * 7), time_column="when")
    window = pa.concat_tables(
        [
            _days(MONDAY + timedelta(days=40), 1, 2, [0.0] * 7),
            _days(MONDAY + timedelta(days=42), 1, 3, [0.0] * 7),
        ]
    )

    result = check(reference, window)

    assert result.missing_days == (MONDAY + timedelta(days=41),)
    assert "No row came from 12 Apr 2026." in details(result)


def test_unknown_column_names_are_refused():
    with pytest.raises(DriftInputError, match="no column nope; the file has a, b"):
        _fit(_rows(100, 1), ignore=["nope"])


def test_rows_that_differ_from_a_constant_column_are_drift():
    reference = _fit(pa.table({"x": np.full(5_000, 0.003467)}))
    current = np.full(1_000, 0.003467)
    current[:30] = 0.003468

    result = check(reference, pa.table({"x": current}))

    assert result["x"].leading.value == pytest.approx(0.03)
    assert result.verdict is Verdict.DRIFT


@pytest.mark.parametrize("form", ["path", "text", "folder", "several", "pandas", "pyarrow"])
def test_every_input_form_gives_the_same_verdict(tmp_path, form):
    table = _rows(2_000, 1)
    (tmp_path / "rows").mkdir()
    path = tmp_path / "rows" / "one.parquet"
    pq.write_table(table, path)
    data = {
        "path": path,
        "text": str(path),
        "folder": tmp_path / "rows",
        "several": [path],
        "pandas": table.to_pandas(),
        "pyarrow": table,
    }[form]

    result = check(_fit(data), data)

    assert (result.rows, result.verdict) == (2_000, Verdict.NO_DRIFT)


def test_every_public_name_can_be_imported():
    assert all(getattr(ml.drift, name) is not None for name in ml.drift.__all__)
    with pytest.raises(AttributeError, match=r"ml\.drift has no attribute nothing"):
        _ = ml.drift.nothing
