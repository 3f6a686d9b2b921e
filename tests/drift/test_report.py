import json
import math
import re
import time
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser
from itertools import cycle

import numpy as np
import pyarrow as pa
import pytest

from ml.drift import Profile, check
from ml.drift.report.document import render_report
from ml.drift.result import Signal
from ml.drift.result_file import load_result, save_result

DAY = date(2026, 3, 10)


def _table(columns, seed, *, shift=0.0, moved=14, rows=2_000):
    rng = np.random.default_rng(seed)
    numbers = {
        f"f{i}": rng.normal(shift if i < moved else 0.0, 1, rows) for i in range(columns - 1)
    }
    return pa.table({**numbers, "<script>": np.array(["a", "b"])[rng.integers(0, 2, rows)]})


@pytest.fixture(scope="module")
def results():
    found = {}
    for columns in (10, 60):
        profile = Profile.fit(_table(columns, 1), name="version 7", draws=500)
        past = []
        for k, shift in enumerate([0.0, 0.0, 0.6, 0.6] if columns == 10 else [0.6]):
            past.append(
                check(
                    profile,
                    _table(columns, 2 + k, shift=shift, rows=600),
                    day=DAY + timedelta(days=k),
                    past=past,
                )
            )
        found[columns] = past[-1]
    repeated = zip(range(200), cycle(found[60].columns), strict=False)
    many = tuple(replace(column, name=f"{column.name}-{k}") for k, column in repeated)
    found[200] = replace(found[60], columns=many)
    return found


class _Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.images, self.tags, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "svg":
            self.images.append(dict(attrs))

    def handle_data(self, data):
        self.text.append(data)


def _parsed(html):
    page = _Page()
    page.feed(html)
    return page


def test_report_starts_with_verdict_largest_change_and_first_day(results):
    page = _parsed(render_report(results[10], subject="electricity"))

    text = " ".join(page.text)
    assert text.index("Drift: 9 of 10 columns changed") < text.index("moved by")
    assert "First above the limit on 12 Mar 2026, 1 day before." in text
    assert "Drift report · electricity · version 7 · 13 Mar 2026 (UTC)" in text


def test_report_has_no_scripts_and_no_external_resources(results):
    html = render_report(results[10])
    page = _parsed(html)

    assert html.index("Content-Security-Policy") < html.index("<title>")
    assert {"script", "link", "img", "iframe", "object"}.isdisjoint(tag for tag, _ in page.tags)
    assert not any(key in attrs for _, attrs in page.tags for key in ("src", "style", "onload"))
    assert "http" not in html.replace("http-equiv", "")


def test_every_chart_has_a_text_alternative(results):
    page = _parsed(render_report(results[60]))

    assert page.images
    for image in page.images:
        assert image["role"] == "img"
        assert re.search(r"drift|moved|changed|above|missing|area between", image["aria-label"])


def test_report_is_small_and_rendered_within_half_a_second(results):
    started = time.process_time()
    sixty = render_report(results[60])
    spent = time.process_time() - started

    assert len(sixty.encode()) <= 150_000
    assert len(render_report(results[200]).encode()) <= 400_000
    assert spent <= 0.5


def test_table_has_caption_scopes_and_a_row_for_every_column(results):
    page = _parsed(render_report(results[60]))

    tables = [tag for tag, _ in page.tags if tag in {"table", "caption"}]
    rows = [attrs for tag, attrs in page.tags if tag == "th" and attrs.get("scope") == "row"]
    assert len(rows) == 60 + 2 * 12  # and the two sides of each card
    assert tables == ["table", "caption"] * (12 + 1)


def test_infinite_limit_round_trips_as_strict_json(results, tmp_path):
    feature = results[10].columns[0]
    unreachable = replace(feature, signals=(Signal("missing", 0.0, math.inf),))
    result = replace(results[10], columns=(unreachable,))

    save_result(result, tmp_path / "drift.json")

    json.loads((tmp_path / "drift.json").read_text(), parse_constant=pytest.fail)
    assert load_result(tmp_path / "drift.json") == result


def test_hundreds_of_missing_columns_and_notes_are_abbreviated(results):
    few = replace(results[10], vanished_columns=("a",))
    gone = tuple(f"column_{k}" for k in range(300))
    noted = tuple(replace(f, note=f"{f.name}: constant 1") for f in results[10].columns)
    many = replace(results[10], vanished_columns=gone, columns=noted)

    assert "Column a is gone: counted as drift." in render_report(few)
    assert "column_7 and 292 more are gone: counted as drift." in render_report(many)
    assert "<summary>10 remarks on columns and days</summary>" in render_report(many)


def test_dates_are_shown_as_dates():
    days = pa.array(np.arange(600) + 19_000, pa.int32()).cast(pa.date32())
    table = pa.table({"joined": days, "x": np.arange(600.0)})
    profile = Profile.fit(table, draws=500)

    text = " ".join(_parsed(render_report(check(profile, table))).text)

    assert "3 Nov 2022 → 3 Nov 2022" in text  # 1970 and 19,299 days


def test_equal_integers_share_a_bin_in_reference_and_current():
    reference, current = (
        pa.table({"n": np.repeat([0.0, 1.0, 2.0], rows)}) for rows in ([316, 227, 17], [63, 75, 2])
    )

    chart = check(Profile.fit(reference, draws=500), current)["n"].chart

    used = [
        [k for k, share in enumerate(side) if share] for side in (chart.reference, chart.current)
    ]
    assert used[0] == used[1]
    assert len(used[0]) == 3


def test_report_without_drift_names_the_column_nearest_to_its_limit():
    profile = Profile.fit(_table(5, 1), draws=2_000)

    html = render_report(check(profile, _table(5, 2)))

    assert "✓ No drift in 5 columns. Nearest to its limit: " in html


def test_result_round_trips_through_its_file(results, tmp_path):
    save_result(results[10], tmp_path / "drift.json")

    again = load_result(tmp_path / "drift.json")

    assert again == results[10]
    assert render_report(again) == render_report(results[10])
    assert json.loads((tmp_path / "drift.json").read_text())["verdict"] == "drift"


@pytest.mark.parametrize(
    ("reference", "current"),
    [
        (np.zeros(500), np.linspace(1500, 1600, 500)),  # beyond the grid of a constant
        (np.zeros(500), np.tile([0.0, 5000.0], 250)),
        (np.linspace(-3, 3, 500), np.where(np.arange(500) % 5, 0.5, 1e15)),
        (9e15 + np.arange(500), 9e15 + np.arange(500)),
    ],
)
def test_chart_omits_only_the_clipped_rows(reference, current):
    table = [pa.table({"n": side}) for side in (reference, current)]

    chart = check(Profile.fit(table[0], draws=500), table[1])["n"].chart

    assert sum(chart.reference) >= 0.985
    assert sum(chart.current) >= 0.985
