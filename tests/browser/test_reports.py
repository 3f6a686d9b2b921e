import re
from itertools import combinations

import pytest
from axe_playwright_python.sync_playwright import Axe
from report_pages import HOSTILE, all_pages

from ml.presentation.page import document

PAGES = ("drift", "calm", "few", "wide", "first", "refused", "classes")
KINDS = ("drift", "few", "wide", "refused", "classes")  # the other pages consist of the same parts
A4_PIXELS = (688, 1_017)  # 210 x 297 mm less margins of 14 mm

# Font size on the screen: scaling an SVG down scales its text too.
TEXT_SIZES = """
() => [...document.querySelectorAll('body *')]
  .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()))
  .map(e => parseFloat(getComputedStyle(e).fontSize) * (e.getScreenCTM ? e.getScreenCTM().a : 1))
"""
FIRST_PAINT = """
() => new Promise(done => new PerformanceObserver(list => {
  for (const entry of list.getEntriesByName('first-contentful-paint')) done(entry.startTime)
}).observe({type: 'paint', buffered: true}))
"""
LABELS = """
() => [...document.querySelectorAll('svg')].map(svg => {
  const box = e => { const b = e.getBoundingClientRect(); return [b.x, b.y, b.right, b.bottom] }
  return [box(svg), [...svg.querySelectorAll('text')].map(e => [e.textContent, ...box(e)])]
})
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    for name, html in all_pages().items():
        (folder / f"{name}.html").write_text(html, "utf-8")
    return {name: folder / f"{name}.html" for name in PAGES}


@pytest.mark.parametrize("name", KINDS)
def test_report_sends_no_requests_and_runs_no_scripts(files, opened, name):
    with opened(files[name]) as found:
        assert found.requests == [files[name].as_uri()]
        assert found.messages == []
        assert found.page.title().startswith(("Drift report", "Evaluation"))


def test_script_in_a_column_name_is_blocked_by_the_content_security_policy(opened, tmp_path):
    smuggled = "<script>document.title = 'ran'</script><img src='http://localhost/pixel.png'>"
    (tmp_path / "report.html").write_text(document("Harmless", smuggled))

    with opened(tmp_path / "report.html") as found:
        assert found.page.title() == "Harmless"
        assert len([m for m in found.messages if "Content Security Policy" in m]) == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", [name for name in KINDS if name != "wide"])  # only longer
def test_report_passes_the_accessibility_audit(files, opened, name, scheme):
    with opened(files[name], scheme=scheme, width=390 if scheme == "dark" else 1280) as found:
        violations = Axe().run(found.page)

        assert violations.generate_snapshot() == ""


@pytest.mark.parametrize("name", KINDS)
def test_report_fits_a_phone_with_readable_text(files, opened, name):
    with opened(files[name], width=390) as found:
        width = found.page.evaluate("document.documentElement.scrollWidth")
        sizes = found.page.evaluate(TEXT_SIZES)

        assert width == 390
        assert sizes
        assert min(sizes) >= 11


@pytest.mark.parametrize("name", KINDS)
def test_chart_labels_neither_overflow_nor_overlap(files, opened, name):
    with opened(files[name]) as found:
        for svg, labels in found.page.evaluate(LABELS):
            for text, left, top, right, bottom in labels:
                inside = svg[0] <= left, svg[1] <= top, right <= svg[2] + 1, bottom <= svg[3] + 2
                assert all(inside), text
            for one, other in combinations(labels, 2):
                apart = (
                    *(one[3] <= other[1], other[3] <= one[1]),
                    *(one[4] <= other[2] + 3, other[4] <= one[2] + 3),  # line height, not ink
                )
                assert any(apart), (one[0], other[0])


@pytest.mark.parametrize("name", KINDS)
def test_printed_report_is_light_expanded_and_does_not_split_cards(files, opened, name):
    with opened(files[name], width=A4_PIXELS[0], scheme="dark") as found:
        page = found.page
        page.emulate_media(media="print")
        cards = page.locator(".card").evaluate_all(
            "all => all.map(e => [e.offsetHeight, getComputedStyle(e).breakInside])"
        )
        hidden = page.locator("details").evaluate_all(
            "all => all.filter(e => !e.lastElementChild.checkVisibility()).length"
        )

        assert page.evaluate("document.documentElement.scrollWidth") == A4_PIXELS[0]
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == "rgb(255, 255, 255)"
        assert hidden == 0
        assert all(height <= A4_PIXELS[1] and breaks == "avoid" for height, breaks in cards)
        assert page.pdf(format="A4").startswith(b"%PDF")


def test_first_contentful_paint_takes_at_most_300_ms_of_cpu(files, browser):
    painted, worked = [], []
    for _ in range(3):
        context = browser.new_context(offline=True)  # nothing is cached
        page = context.new_page()
        renderer = context.new_cdp_session(page)
        renderer.send("Performance.enable")
        page.goto(files["wide"].as_uri())
        painted.append(page.evaluate(FIRST_PAINT))
        worked.append(cpu_seconds(renderer))
        context.close()

    assert 0 < min(worked) <= 0.3  # since the process that shows the page began
    assert min(painted) <= 3_000  # on the clock, others use the machine


def cpu_seconds(renderer):
    """CPU time of the process that shows a page."""
    metrics = renderer.send("Performance.getMetrics")["metrics"]
    return next(metric["value"] for metric in metrics if metric["name"] == "ProcessTime")


def test_drift_report_shows_verdict_then_reasons_then_figures(files, opened):
    with opened(files["drift"]) as found:
        read = found.page.locator("main").aria_snapshot()

    order = [
        "Drift report · electricity · version 7 · 13 Mar 2026 (UTC)",
        "◆ Drift: 6 of 9 columns changed",
        "First above the limit on 10 Mar 2026, 3 days before.",
        "What happens next: retraining is asked for.",
        "12 lines of 2 files could not be read and were left out.",
        "3,000 reference rows with 900 rows of 13 Mar 2026",
        'heading "Realised performance" [level=2]',
        "◆ Accuracy is 0.",
        'heading "What changed" [level=2]',
        'heading "All 9 columns" [level=2]',
        "Method and settings",
    ]
    places = [read.find(text) for text in order]
    assert -1 not in places, order[places.index(-1)]
    assert places == sorted(places)


def test_card_shows_both_distributions_their_distance_and_the_last_days(files, opened):
    with opened(files["drift"]) as found:
        card = found.page.locator(".card", has=found.page.get_by_role("heading", name="demand"))
        images = card.get_by_role("img")
        names = [image.get_attribute("aria-label") for image in images.all()]
        figures = card.get_by_role("table", name="demand in figures")

        assert len(names) == 3
        assert re.match(r"Distribution: demand moved by [\d.]+ sd \(limit [\d.]+ sd\)", names[0])
        assert re.match(r"demand: area between the curves [\d.]+ sd, limit [\d.]+ sd", names[1])
        assert names[2] == "demand from 4 Mar 2026 to 13 Mar 2026: above its limit on 4 of 9 days"
        assert card.get_by_text(re.compile(r"since 10 Mar 2026.* of the alarm")).is_visible()
        assert figures.get_by_role("columnheader").all_inner_texts() == [
            *("side", "rows", "missing", "min", "mean", "max", "sd")
        ]


def test_new_categories_missing_values_and_changed_constants_are_named(files, opened):
    with opened(files["drift"]) as found:
        text = found.page.locator("main").inner_text()

    assert re.search(r"New categories: new \(2\d(\.\d)? %\)", text)
    assert f"{HOSTILE} 1 new, 1 gone" in text
    assert re.search(r"bmi [\d.]+ % → (19|20|21)(\.\d+)? %", text)
    assert re.search(r"Was constant and now differs in [45]\d(\.\d)? % of the rows", text)


def test_predictions_and_labels_are_marked_as_such(files, opened):
    with opened(files["drift"]) as found:
        text = found.page.locator(".facts").inner_text()

        assert "◆ drift in answer, " in text
        assert "✓ no drift in truth, " in text
        assert found.page.get_by_role("heading", name="answer prediction").is_visible()
        assert found.page.get_by_role("heading", name="truth label").is_visible()


def test_script_tag_in_a_column_name_is_shown_as_text(files, opened):
    with opened(files["drift"]) as found:
        assert found.page.get_by_role("rowheader", name=HOSTILE).is_visible()


@pytest.mark.parametrize(
    ("name", "verdict", "says"),
    [
        ("calm", "✓ No drift in 9 columns. Nearest to its limit: ", "Nearest to their limits"),
        ("few", "? Not enough data: 41 rows arrived, at least 200 are needed.", "All 9 columns"),
    ],
)
def test_no_drift_and_not_enough_data_have_their_own_headlines(files, opened, name, verdict, says):
    with opened(files[name]) as found:
        head = found.page.locator(".verdict")
        alarmed = found.page.locator("p.attention, td.attention")

        assert head.inner_text().startswith(verdict)
        assert found.page.get_by_role("heading", name=says).is_visible()
        assert alarmed.count() == 0


def test_report_has_at_most_twelve_cards_and_a_row_for_every_column(files, opened):
    with opened(files["wide"]) as found:
        rows = found.page.get_by_role("table", name=re.compile("All 200")).get_by_role("row")
        verdicts = rows.locator("td:nth-of-type(1)").all_inner_texts()

        assert found.page.locator(".card").count() == 12
        assert rows.count() == 1 + 200
        assert {text[0] for text in verdicts} == {"◆", "✓"}  # not by colour alone


def test_tables_and_method_section_are_reachable_by_keyboard(files, opened):
    with opened(files["few"]) as found:
        page = found.page
        page.keyboard.press("Tab")
        table = page.evaluate("document.activeElement.getAttribute('aria-label')")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")

        assert table.startswith("All 9 columns")
        assert page.get_by_text("False alarms accepted: 1 a year").is_visible()


def test_rejected_challenger_is_shown_with_the_deciding_metric(files, opened):
    with opened(files["refused"]) as found:
        table = found.page.get_by_role("table").aria_snapshot()

        assert found.page.locator(".verdict").inner_text() == (
            "✕ The challenger is not better in every metric: R² 0.409 against 0.459 (champion 9) "
            "on the same 133 rows."
        )
        assert 'img "R²: 0.05 worse"' in table
        assert 'img "mean absolute error: 0.3 better"' in table
        assert table.index("✕ not passed") < table.index("✓ passed")


def test_first_model_is_compared_with_its_metric_floors(files, opened):
    with opened(files["first"]) as found:
        heads = found.page.get_by_role("columnheader").all_inner_texts()

        assert found.page.locator(".verdict").inner_text().startswith("✓ The first model reaches")
        assert "floor" in heads
        assert "champion" not in heads


def test_classes_are_listed_by_the_challengers_accuracy_worst_first(files, opened):
    with opened(files["classes"]) as found:
        classes = found.page.get_by_role("table", name=re.compile("Share of each class"))

        assert classes.get_by_role("rowheader").first.inner_text() == "versicolor"
        assert classes.get_by_role("row").nth(1).inner_text().split("\t")[2:] == ["0 %", "100 %"]
