"""Merged profiles of parts equal the profile of all rows."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.drift import (
    DriftInputError,
    HistoryKind,
    Profile,
    Role,
    check,
    load_profile,
    save_profile,
)
from ml.drift.__main__ import main
from ml.drift.counting.scan import scan_source
from ml.drift.profiles.merging import merge_profiles
from ml.drift.readers.source import TableSource

DRAWS = 1_000


def rows(size, seed):
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "x": np.where(rng.random(size) < 0.02, np.nan, rng.lognormal(size=size)),
            "n": rng.integers(0, 50, size).astype(float),
            "kind": np.array(["a", "b", f"only-{seed}", None])[rng.integers(0, 4, size)],
            "text": [f"user-{i}" for i in rng.integers(seed * 500, seed * 500 + 900, size)],
            "when": np.datetime64("2026-01-01") + rng.integers(0, 40, size),
        }
    )


def profile_like(layout, table, history):
    found = scan_source(TableSource(table), layout, history=history)
    return Profile.of_scan(found, layout, name="part", history=history, draws=DRAWS)


@pytest.mark.parametrize("history", [HistoryKind.NONE, HistoryKind.DAYS])
def test_merged_profiles_equal_the_profile_of_all_rows(history):
    parts = [rows(3_000, 1), rows(4_321, 2)]
    first = Profile.fit(parts[0], name="first", time_column="when", history=history, draws=DRAWS)
    second = profile_like(first.layout, parts[1], history)

    merged = merge_profiles([first, second], draws=DRAWS)

    whole = profile_like(first.layout, pa.concat_tables(parts), history)
    assert (merged.rows, merged.name) == (7_321, "first")
    for name in ("x", "n"):
        one, both = whole[name].summary, merged[name].summary
        assert (one.counts == both.counts).all()
        assert np.allclose(one.sums, both.sums, rtol=1e-9, atol=1e-9)
        assert one.moments[:5].tolist() == both.moments[:5].tolist()
        assert whole[name].null.limit(1e-4, 500.0) == merged[name].null.limit(1e-4, 500.0)
    assert whole["kind"].summary.by_value() == merged["kind"].summary.by_value()
    assert whole["kind"].summary.missing == merged["kind"].summary.missing
    # Neither part has more than a thousand texts; together they do.
    assert not first["text"].summary.is_text
    assert merged["text"].summary.is_text
    if history is HistoryKind.DAYS:
        days = [p["x"].summary.history.counts for p in (whole, merged)]
        assert days[0].keys() == days[1].keys()
        assert all((days[0][day] == days[1][day]).all() for day in days[0])
    assert first.rows == 3_000  # the merged profiles are unchanged
    assert first["x"].summary.rows == 3_000


@pytest.mark.parametrize("most", [200, 60_000, 5_000_000_000])
def test_days_of_loaded_profiles_add_up_without_overflow(tmp_path, most):
    profile = Profile.fit(rows(3_000, 1), time_column="when", draws=DRAWS)
    for row in profile["n"].summary.history.counts.values():
        row[row > 0] = most
    save_profile(profile, tmp_path / "one.profile")
    one, other = (load_profile(tmp_path / "one.profile")["n"].summary.history for _ in range(2))

    one.merge(other)

    for day, row in profile["n"].summary.history.counts.items():
        assert one.counts[day].tolist() == (2 * row).tolist()


def test_check_against_a_merged_profile_equals_a_check_against_all_rows():
    parts = [rows(2_000, 1), rows(2_000, 2)]
    first = Profile.fit(parts[0], history=HistoryKind.NONE, ignore=["when"], draws=DRAWS)
    second = profile_like(first.layout, parts[1], HistoryKind.NONE)
    merged = merge_profiles([first, second], draws=DRAWS)
    whole = profile_like(first.layout, pa.concat_tables(parts), HistoryKind.NONE)

    results = [check(replace(p, name="same"), rows(900, 3)) for p in (merged, whole)]

    assert results[0].verdict is results[1].verdict
    for name in ("x", "n", "kind"):
        assert [s.value for s in results[0][name].signals] == pytest.approx(
            [s.value for s in results[1][name].signals], rel=1e-9
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "n has two grids; x has two grids"),
        ({"ignore": ["when", "n"]}, "only one has n"),
        ({"roles": {"n": Role.LABEL}}, "n is a number feature and a number label"),
        ({"categories": ["n"]}, "n is a number feature and a category feature"),
        ({"history": HistoryKind.BLOCKS}, "history is none and blocks"),
        ({"ignore": [], "time_column": "when"}, "time column is None and when"),
    ],
)
def test_merging_profiles_with_different_layouts_is_refused_with_the_difference(options, message):
    given = {"history": HistoryKind.NONE, "ignore": ["when"], "draws": DRAWS}
    one = Profile.fit(rows(500, 1), **given)
    other = Profile.fit(
        rows(600, 2).set_column(1, "n", pa.array(np.arange(600.0))), **(given | options)
    )

    with pytest.raises(
        DriftInputError, match="make the second one with `profile --like`"
    ) as raised:
        merge_profiles([one, other])

    assert message in str(raised.value)


def test_command_line_profiles_parts_on_one_layout_and_merges_them(tmp_path, capsys):
    paths = [tmp_path / f"{i}.parquet" for i in (1, 2)]
    for i, path in enumerate(paths):
        pq.write_table(rows(1_000 + i, i), path)
    made = [str(tmp_path / f"{i}.profile") for i in (1, 2)]

    statuses = [
        main(["profile", str(paths[0]), "-o", made[0], "--time-column", "when"]),
        main(["profile", str(paths[1]), "-o", made[1], "--like", made[0]]),
        main(["merge", *made, "-o", str(tmp_path / "all.profile"), "--name", "version 7"]),
    ]

    assert statuses == [0, 0, 0]
    merged = load_profile(tmp_path / "all.profile")
    assert (merged.rows, merged.name, merged.history) == (2_001, "version 7", HistoryKind.DAYS)
    assert "all.profile: 2,001 rows, 4 columns" in capsys.readouterr().out


def test_command_line_says_why_profiles_cannot_be_merged(tmp_path, capsys):
    for i in (1, 2):
        pq.write_table(rows(1_000, i), tmp_path / f"{i}.parquet")
        made = Profile.fit(tmp_path / f"{i}.parquet", draws=DRAWS)
        save_profile(made, tmp_path / f"{i}.profile")
    pq.write_table(rows(1_000, 3).drop_columns(["n"]), tmp_path / "3.parquet")
    like = ["--like", str(tmp_path / "1.profile")]
    out = ["-o", str(tmp_path / "x.profile")]

    statuses = [
        main(["merge", str(tmp_path / "1.profile"), str(tmp_path / "2.profile"), *out]),
        main(["profile", str(tmp_path / "3.parquet"), *out, *like]),
        main(["profile", str(tmp_path / "2.parquet"), *out, *like, "--ignore", "n"]),
    ]

    assert statuses == [2, 2, 2]
    errors = capsys.readouterr().err
    assert "profiles of different layouts cannot be added: when has two grids; x has two" in errors
    assert "no column n, which 1.profile has; give rows with it" in errors
    assert "--like takes columns and history from the profile; name no others" in errors
    assert not (tmp_path / "x.profile").exists()
