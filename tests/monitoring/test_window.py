"""One window of collected rows against a reference; the bench is in window_bench.py."""

import json
import zlib
from dataclasses import replace
from datetime import UTC, date, timedelta

import pytest
from window_bench import DAY, MIDNIGHT, MODEL, NOON, WINDOW, config_of, table

from ml.drift import DriftInputError
from ml.errors import UnreadableDataError
from ml.monitoring.outcome import read_check


def inputs(rows, **more):
    return table(rows, seed=3, **more).drop(columns="paid")


def test_day_like_the_training_rows_is_not_drift(bench):
    bench.score(table(1_000, seed=3), right=1.0)

    check = bench.check()

    assert check.result.verdict == "no drift"
    assert check.sentence.startswith("No drift in 4 columns. Nearest to its limit: ")
    assert (check.result.rows, check.result.reference_rows) == (1_000, 2_000)
    assert check.result.missing_days == ()
    assert {one.name for one in check.leading} == {"income", "rooms", "kind", "prediction"}
    assert all(one.ratio <= 1 for one in check.leading)


def test_shift_of_one_feature_is_named_and_measured(bench):
    bench.send(inputs(1_000, shift=1.0))

    check = bench.check()

    assert check.result.verdict == "drift"
    assert check.sentence.startswith("Drift: 1 of 3 columns changed: income moved by ")
    first = check.leading[0]
    assert (first.name, first.role, first.leading.statistic) == ("income", "feature", "distance")
    assert first.leading.value == pytest.approx(1.0, abs=0.1)  # the rows were shifted by one sd
    assert first.leading.value > first.leading.limit
    assert (first.alarm_share, first.since) == (1.0, DAY)
    assert "income moved by" in (bench.output / "report.html").read_text()


def test_check_round_trips_through_its_files(bench):
    bench.score(table(400, seed=3), right=1.0)

    check = bench.check()

    assert read_check(bench.output) == check
    assert json.loads((bench.output / "drift.json").read_text())["profile"] == "version 7"


def test_window_includes_its_start_and_excludes_its_end(bench):
    one = {"income": 30.0, "rooms": 1.0, "kind": "flat"}
    for at in (
        MIDNIGHT - timedelta(seconds=1),
        MIDNIGHT,
        WINDOW.end_utc - timedelta(seconds=1),
        WINDOW.end_utc,
    ):
        bench.send([one], at=at)

    assert bench.check().result.rows == 2


def test_times_with_an_offset_are_converted_to_utc(bench):
    one = {"income": 30.0, "rooms": 1.0, "kind": "flat"}
    bench.send([one], time="2026-03-15T01:30:00+02:00")  # 23:30 of the day in UTC
    bench.send([one], time="2026-03-14T01:30:00+02:00")  # 23:30 of the day before
    bench.send([one], time="2026-03-14T10:00:00")  # no offset: taken as UTC

    assert bench.check().result.rows == 2


@pytest.mark.parametrize("form", [int, float, str, lambda value: f"{value:.1f}"])
def test_category_code_is_one_category_whatever_its_type(bench, form):
    rows = inputs(1_000).to_dict("records")
    bench.send([row | {"rooms": form(int(row["rooms"]))} for row in rows])

    check = bench.check()

    assert check.result.verdict == "no drift"
    (rooms,) = (one for one in check.leading if one.name == "rooms")
    assert rooms.ratio < 1


def test_category_outside_the_contract_is_drift(bench):
    rows = inputs(1_000).to_dict("records")
    bench.send([row | {"kind": "boat"} if i % 10 == 0 else row for i, row in enumerate(rows)])

    check = bench.check()

    assert check.result.verdict == "drift"
    assert (check.leading[0].name, check.leading[0].leading.statistic) == ("kind", "unseen")
    assert check.leading[0].leading.value == pytest.approx(0.1)


def test_features_of_every_deployment_count_and_predictions_of_the_champion(bench):
    bench.score(table(600, seed=3), right=1.0)
    others = table(600, seed=4)
    bench.send(others.drop(columns="paid"), deployment="version-8", modelversion="8")
    bench.send(
        [{"row": row, "prediction": 0} for row in others["row"]],
        collection="model_outputs",
        deployment="version-8",
        modelversion="8",
    )

    check = bench.check()

    assert check.result.rows == 1_200
    assert check.result.verdict == "no drift"  # predictions of version 8, all 0, are left out
    result = json.loads((bench.output / "drift.json").read_text())
    (prediction,) = (f for f in result["features"] if f["name"] == "prediction")
    assert prediction["current"]["rows"] == 600


def test_version_is_taken_from_the_deployment_name_if_the_event_has_none(bench):
    rows = table(600, seed=3)
    bench.score(rows, right=1.0, modelversion="default")
    bench.score(rows.assign(paid=0), right=1.0, modelversion="default", deployment="version-8")

    bench.check()

    result = json.loads((bench.output / "drift.json").read_text())
    (prediction,) = (f for f in result["features"] if f["name"] == "prediction")
    assert prediction["current"]["rows"] == 600


def test_changed_predictions_are_drift(bench):
    bench.score(table(1_000, seed=3).assign(paid=1), right=1.0)

    check = bench.check()

    assert check.result.verdict == "drift"
    assert (check.leading[0].name, check.leading[0].role) == ("prediction", "prediction")


def test_window_without_predictions_and_labels_is_not_drift(bench):
    bench.send(inputs(1_000))

    check = bench.check()

    assert check.result.verdict == "no drift"
    assert {one.name for one in check.leading} == {"income", "rooms", "kind"}


def test_feature_missing_from_every_row_is_drift(bench):
    bench.send(inputs(1_000).drop(columns="kind"))

    check = bench.check()

    assert check.result.verdict == "drift"
    assert "column kind is gone" in check.sentence
    assert (check.leading[0].name, check.leading[0].leading.value) == ("kind", 1.0)


def test_columns_without_a_reference_are_named(bench):
    bench.send([row | {"color": "red"} for row in inputs(300).to_dict("records")])

    bench.check()

    assert "New columns, not compared: color." in (bench.output / "report.html").read_text()


def test_duplicate_event_counts_once(bench):
    rows = inputs(300)
    bench.send(rows, each=300, id="event-x", correlationid="request-x")
    bench.send(rows, each=300, id="event-x", correlationid="request-x")

    assert bench.check().result.rows == 300


def test_duplicate_row_within_a_request_counts_once(bench):
    rows = inputs(300)
    bench.send(rows, each=300, correlationid="request-x")
    bench.send(rows, each=300, correlationid="request-x")  # another event of the same request
    bench.send(rows, each=300, correlationid="request-y")

    assert bench.check().result.rows == 600


def test_rows_without_an_id_are_not_deduplicated(bench):
    bench.send(inputs(300).drop(columns="row"), each=300, correlationid="request-x")
    bench.send(inputs(300).drop(columns="row"), each=300, correlationid="request-x")

    assert bench.check().result.rows == 600


def test_unreadable_lines_and_rows_are_counted_in_the_sentence(bench):
    bench.send(inputs(300))  # 3 lines
    bench.write("not json\n")
    bench.write('{"time": "yesterday", "data": []}\n')
    bench.write("[" * 100_000 + "\n")
    bench.write('{"time": "0001-01-01T00:00:00+14:00", "data": []}\n')
    bench.write('["time"]\n')
    bench.write(json.dumps({"time": "2026-03-14T12:00:00Z", "dataref": "https://x/y"}) + "\n")
    bench.write(json.dumps({"time": "2026-03-14T12:00:00Z", "data": [1, "a", None]}) + "\n")
    bench.write("\n")
    bench.write('{"specversion":"1.0","data":[{"income"')  # cut off by a crash

    check = bench.check()

    assert check.result.rows == 300
    assert "6 of 11 collected lines cannot be read." in check.sentence
    assert "1 request over 4 MB lie apart and were not read; send smaller ones." in check.sentence
    assert "3 collected rows of another form were left out." in check.sentence
    assert "6 of 11 collected lines" in (bench.output / "report.html").read_text()


def test_overlong_line_is_one_unreadable_line(bench):
    bench.write("x" * (17 * 1024 * 1024) + "\n")
    bench.send(inputs(300))

    check = bench.check()

    assert check.result.rows == 300
    assert "1 of 4 collected lines cannot be read." in check.sentence


def test_cells_of_another_type_are_counted_by_column(bench):
    rows = inputs(600).to_dict("records")
    for i, cell in enumerate(["much", [1], {"a": 1}, 10**400, "\ud800", "∞"]):
        rows[i]["income"] = cell
    rows[7]["kind"] = "\ud800"
    rows[8]["kind"] = [1]
    bench.send(rows)

    check = bench.check()

    assert check.result.rows == 600
    page = (bench.output / "report.html").read_text()
    assert "income: 6 values are not numbers, counted as missing." in page


def test_too_few_rows_are_not_judged(bench):
    bench.send(inputs(150, shift=3.0))

    check = bench.check()

    assert check.result.verdict == "not enough data"
    assert check.sentence == "Not enough data: 150 rows arrived, at least 200 are needed."


def test_day_without_rows_is_named(bench):
    bench.collected.mkdir()

    check = bench.check()

    assert (check.result.verdict, check.result.rows) == ("not enough data", 0)
    assert check.result.missing_days == (DAY,)
    assert "No row came from 14 Mar 2026." in (bench.output / "report.html").read_text()


def test_days_of_a_week_without_rows_are_named_and_the_others_judged(bench):
    for days in (0, 1, 3, 4, 6):
        bench.send(inputs(200), at=NOON - timedelta(days=days))
    week = replace(WINDOW, start_utc=MIDNIGHT - timedelta(days=6))

    check = bench.check(week)

    assert check.result.rows == 1_000
    assert check.result.missing_days == (date(2026, 3, 9), date(2026, 3, 12))


def test_since_comes_from_earlier_checks_of_the_same_version(bench):
    past = bench.folder / "past"
    for days in (2, 1):
        at = NOON - timedelta(days=days)
        bench.send(inputs(1_000, shift=1.0), at=at)
        day = at.date()
        window = replace(WINDOW, day=day, start_utc=MIDNIGHT - timedelta(days=days))
        bench.check(replace(window, end_utc=window.start_utc + timedelta(days=1)))
        (past / str(day)).mkdir(parents=True)
        (bench.output / "drift.json").rename(past / str(day) / "drift.json")
        (bench.output / "check.json").rename(past / str(day) / "check.json")
    bench.send(inputs(1_000, shift=1.0))
    (past / "2026-03-01.json").write_text('{"format": 1}')

    same = bench.check(past=past)
    other = bench.check(replace(WINDOW, champion_version="8"), past=past)

    assert same.leading[0].since == date(2026, 3, 12)
    assert "An earlier result, 2026-03-01.json, cannot be read" in same.sentence
    assert "check.json" not in same.sentence
    assert other.leading[0].since == DAY


def test_last_of_several_checks_of_a_day_counts(bench):
    past = bench.folder / "past"
    yesterday = replace(
        WINDOW,
        day=DAY - timedelta(days=1),
        start_utc=MIDNIGHT - timedelta(days=1),
        end_utc=MIDNIGHT,
    )
    for revision in ("", "-revision-2", "-revision-10"):
        bench.check(yesterday)  # no rows at first, then a few, then many shifted ones
        (past / f"2026-03-13{revision}").mkdir(parents=True)
        (bench.output / "drift.json").rename(past / f"2026-03-13{revision}" / "drift.json")
        bench.send(inputs(100 if not revision else 900, shift=1.0), at=NOON - timedelta(days=1))
    bench.send(inputs(1_000, shift=1.0))

    check = bench.check(past=past)

    assert check.leading[0].since == yesterday.day
    result = json.loads((bench.output / "drift.json").read_text())
    (income,) = (f for f in result["features"] if f["name"] == "income")
    assert [day for day, _ in income["past"]] == ["2026-03-13", "2026-03-14"]


def test_alarm_budget_of_model_yml_is_used(bench):
    bench.send(inputs(1_000, shift=0.18))

    strict = bench.check()
    blind = bench.check(
        config=replace(bench.config, drift=replace(bench.config.drift, smallest_effect=0.9))
    )

    assert (strict.result.verdict, blind.result.verdict) == ("drift", "no drift")


def test_reference_of_an_older_model_yml_is_compared_on_its_own_columns(bench, tmp_path):
    text = MODEL.replace("    income:", "    wage:").replace("[1, 2, 3]", "[1, 2]")
    newer = config_of(tmp_path, text)
    bench.send(inputs(1_000))

    check = bench.check(config=newer)

    assert check.result.verdict == "no drift"
    assert {one.name for one in check.leading} == {"income", "rooms", "kind"}


def _columns(count: int) -> bytes:
    """The body of a profile that claims `count` columns."""
    columns = ",".join("0" * count)
    text = f'{{"arrays": [], "history": "none", "columns": [{columns}]}}'.encode()
    return len(text).to_bytes(8, "little") + text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such profile"),
        (lambda _: b"", "is not a profile of format"),
        (
            lambda own: own.replace(b"drift-profile ", b"drift-profile 9"),
            "is not a profile of format",
        ),
        (lambda own: own[:-100], "is damaged: it ends too early; make it again"),
        (lambda own: own[:200] + b"\0" * 50 + own[250:], "is damaged"),
        (lambda own: own[:16] + zlib.compress(b"\0" * 8 + b"{}"), "is damaged"),
        (lambda own: own[:16] + zlib.compress(b"\2" + b"\0" * 7 + b"{}"), "is damaged: 'arrays'"),
        (lambda own: own[:16] + zlib.compress(_columns(3_000_000)), "is damaged"),
    ],
)
def test_unreadable_profile_is_refused_with_the_reason(bench, reference, content, message):
    bench.profile = bench.folder / "other.profile"
    if content is not None:
        bench.profile.write_bytes(content(reference.read_bytes()))

    with pytest.raises(DriftInputError, match=message):
        bench.check()

    assert not bench.output.exists()


def test_file_that_is_not_a_result_is_refused(tmp_path):
    with pytest.raises(UnreadableDataError, match="is not the result of a drift check: no such"):
        read_check(tmp_path)
    for content in ("{", '{"format": 2}', '{"format": 1}', "[]"):
        (tmp_path / "drift.json").write_text(content)
        with pytest.raises(UnreadableDataError, match="is not the result of a drift check"):
            read_check(tmp_path)


def test_folders_far_from_the_window_are_not_opened(bench):
    bench.send(inputs(300))
    for days in (-3, 3):
        bench.write("not json\n", at=NOON + timedelta(days=days))

    assert bench.check().sentence.count("cannot be read") == 0


def test_event_in_the_folder_of_the_next_day_is_found(bench):
    bench.send(inputs(300), at=MIDNIGHT + timedelta(days=1, minutes=5), time="2026-03-14T23:59:59Z")

    assert bench.check().result.rows == 300
    assert UTC is MIDNIGHT.tzinfo


@pytest.mark.parametrize(
    ("reasons", "day", "next_step"),
    [
        (
            "[data, drift]",
            {"rows": 1_000, "shift": 1.0},
            "a retraining cycle opens, and the retrain",
        ),
        ("[data]", {"rows": 1_000, "shift": 1.0}, "no retraining by itself, since retrain.reasons"),
        ("[data, drift]", {"rows": 20}, "the day is looked at again for 3 days"),
        ("[data, drift]", {"rows": 1_000}, "nothing; the next day is checked by itself."),
    ],
)
def test_report_says_what_happens_next(bench, tmp_path, reasons, day, next_step):
    bench.send(inputs(**day))

    bench.check(config=config_of(tmp_path, MODEL + f"retrain:\n  reasons: {reasons}\n"))

    _, _, following = (bench.output / "report.html").read_text().partition("What happens next: ")
    assert following.startswith(next_step)
