"""The README's pictures: they show what was written, and end where a part of the report ends."""

import struct

import pytest
from report_pages import all_pages

from demo.failures import DemoDataError
from demo.screenshots import take_screenshots, terminal_page

EXPLANATION = """\
Cycle 0123456789ab · iris · quarantined
File <b>&amp;.csv quarantined: column "age": 20 % missing, limit 1 %.

1 ✓ Reason     because of new data, 1 file waiting: <script>document.title = 'ran'</script>.csv
2 ⚠ Data       0 files accepted (0 rows),  1 quarantined
"""


def test_terminal_page_shows_the_explanation_as_it_is_below_its_request(tab):
    tab.set_content(terminal_page(EXPLANATION))

    request, _, shown = tab.locator("body").inner_text().partition("\n")
    assert request.startswith("$ curl ")
    assert request.endswith(" $APP/api/models/iris/cycles/0123456789ab")
    assert shown.strip() == EXPLANATION.strip()
    assert tab.title() == "explain"


def test_pictures_are_drawn_and_the_report_ends_below_its_first_column(browser, opened, tmp_path):
    report = tmp_path / "drift-2026-03-13.html"
    report.write_text(all_pages()["drift"], "utf-8")
    (tmp_path / "explain-0123456789ab.txt").write_text(EXPLANATION, "utf-8")

    drift, explained = take_screenshots(browser, tmp_path, into=tmp_path / "new" / "images")

    width, height = size_of(drift)
    with opened(report, width=width) as found:
        second_column = found.page.get_by_role("heading", level=3).nth(1).locator("..")
        assert height == pytest.approx(second_column.bounding_box()["y"], abs=1)
    assert size_of(explained)[0] == width
    assert 150 < size_of(explained)[1] < 300  # seven lines


def test_missing_report_is_named_with_the_command_that_writes_it(browser, tmp_path):
    with pytest.raises(DemoDataError, match=r"no drift-\*\.html .* run `make demo` first"):
        take_screenshots(browser, tmp_path, into=tmp_path / "images")

    assert not (tmp_path / "images").exists()


def size_of(picture):
    """Width and height in pixels, from the header of a PNG."""
    content = picture.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", content[16:24])
