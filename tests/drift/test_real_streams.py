"""Verdicts on real data with documented drift."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ml.drift import AlarmBudget, Profile, Role, Verdict, check
from ml.drift.readers.opening import open_source

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def _table(name):
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"{name} lies beside the project, in ../shared/data, and is not here")
    source = open_source(path)
    list(source.names)  # settles the column types
    return pa.Table.from_batches(list(source.batches()))


def _blind(result):
    return {f.name for f in result.columns if f.verdict is Verdict.NOT_ENOUGH_DATA}


def _windows(table, *, reference_rows, window_rows, alarm_budget=None, **options):
    profile = Profile.fit(table.slice(0, reference_rows), draws=10_000, **options)
    starts = range(reference_rows, table.num_rows - window_rows + 1, window_rows)
    return {
        s: check(profile, table.slice(s, window_rows), alarm_budget=alarm_budget) for s in starts
    }


def test_elec2_drifts_from_the_market_change_onwards():
    table = _table("elec2/electricity.csv.gz")

    # The datasheet's windows: reference the first quarter, change point at row 17,424.
    found = _windows(
        table,
        reference_rows=11_328,
        window_rows=2_832,
        ignore=["date"],
        roles={"class": Role.LABEL},
    )

    verdicts = {start: result.verdict for start, result in found.items()}
    assert verdicts.pop(11_328) is Verdict.NO_DRIFT
    assert verdicts.pop(14_160) is Verdict.NO_DRIFT
    assert set(verdicts.values()) == {Verdict.DRIFT}
    first = found[16_992]
    assert {f.name for f in first.drifted} == {"vicprice", "vicdemand", "transfer"}
    # Half a year of prices and demand says too little about the next half.
    assert all(_blind(result) == {"nswprice", "nswdemand"} for result in found.values())


def test_elec2_window_with_missing_hours_drifts_in_period():
    table = _table("elec2/electricity.csv.gz")
    profile = Profile.fit(table.slice(0, 11_328), draws=10_000, ignore=["date"])
    window = table.slice(11_328, 2_832)

    found = check(profile, window.filter(pc.less(window["period"], 0.75)))

    assert [f.name for f in found.drifted] == ["period"]


def test_elec2_change_of_constant_columns_is_counted_in_rows():
    table = _table("elec2/electricity.csv.gz")

    found = _windows(table, reference_rows=11_328, window_rows=2_832, ignore=["date"])

    transfer = found[16_992]["transfer"]
    signal = transfer.signal("unseen")
    assert transfer.reference.sd == 0
    assert transfer.wasserstein is None
    assert signal.value == pytest.approx((19_824 - 17_424) / 2_832, abs=0.01)


MARKETING = {
    "reference_rows": 560,
    "window_rows": 140,
    "alarm_budget": AlarmBudget(least_rows=100),
    "ignore": ["ID", "Dt_Customer"],
    "roles": {"Response": Role.LABEL},
}


def test_marketing_in_file_order_never_drifts():
    table = _table("marketing_campaign/marketing_campaign.csv")

    found = _windows(table, **MARKETING)

    assert len(found) == 12
    assert {result.verdict for result in found.values()} == {Verdict.NO_DRIFT}
    assert not any(_blind(result) for result in found.values())


def test_marketing_shift_of_one_column_is_named_in_every_window():
    table = _table("marketing_campaign/marketing_campaign.csv")
    place = table.column_names.index("MntWines")
    spent = table["MntWines"].to_numpy()
    later = np.arange(len(spent)) >= MARKETING["reference_rows"]
    moved = spent + later * 0.7 * spent[~later].std()

    found = _windows(table.set_column(place, "MntWines", pa.array(moved)), **MARKETING)

    assert all([f.name for f in result.drifted] == ["MntWines"] for result in found.values())


def test_marketing_by_enrolment_date_drifts_in_the_documented_columns():
    table = _table("marketing_campaign/marketing_campaign.csv").sort_by("Dt_Customer")

    found = _windows(table, **MARKETING)

    verdicts = [result.verdict for result in found.values()]
    assert verdicts[:2] == [Verdict.NO_DRIFT] * 2  # gradual: the next customers are alike
    assert set(verdicts[3:]) == {Verdict.DRIFT}
    last = {f.name for f in found[2_100].drifted}
    assert {"NumWebVisitsMonth", "NumWebPurchases", "Response"} <= last


def test_seasonal_half_year_is_too_overdispersed_as_a_reference():
    table = _table("bike_sharing/hour.csv.gz")

    found = _windows(
        table,
        reference_rows=4_344,
        window_rows=1_086,
        ignore=["instant", "dteday"],
        roles={"cnt": Role.LABEL},
    )

    before = [r for start, r in found.items() if start + 1_086 <= 8_645]  # rows of 2011
    after = [r for start, r in found.items() if start >= 8_645]
    assert len(before) == 3
    assert {r.verdict for r in before} == {Verdict.NOT_ENOUGH_DATA}
    assert all({"temp", "cnt", "season"} <= _blind(r) for r in before)
    assert all(r["cnt"].signal("distance").limit > 1 for r in before)
    assert {r.verdict for r in after} == {Verdict.DRIFT}
    assert all([f.name for f in r.drifted] == ["yr"] for r in after)
