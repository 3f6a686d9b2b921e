"""`make screenshots`: draws the README's pictures from what the last demo left behind."""

from __future__ import annotations

import argparse
import shutil
import sys
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from demo.failures import DemoDataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent
_CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
_WIDTH = 1060  # pixels; the report's text is 1,024 wide
_TERMINAL_STYLE = """
body{margin:0;padding:12px;background:#fff}
pre{margin:0;padding:16px 20px;border:1px solid #d0d7de;border-radius:8px;background:#f6f8fa;
color:#1b1f24;font:14px/1.5 monospace;white-space:pre-wrap;overflow-wrap:anywhere}
b{font-weight:400;color:#57606a}
"""


def chromium_program() -> str | None:
    """Path of the machine's own Chromium, or None."""
    return next(filter(None, map(shutil.which, _CHROMIUM_NAMES)), None)


@contextmanager
def headless(program: str) -> Iterator[Browser]:
    """Chromium without a window; it ends with the context."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield chromium
        finally:
            chromium.close()


def terminal_page(explanation: str) -> str:
    """HTML that shows an explanation as a terminal does, below the request that it answers.

    Args:
        explanation: as the app answers `Accept: text/plain`; its first line names the cycle and
            the model.
    """
    _, cycle_id, _, model, *_ = explanation.split()
    request = (
        'curl -H "Accept: text/plain" -H "x-functions-key: $KEY" '
        f"$APP/api/models/{model}/cycles/{cycle_id}"
    )
    return (
        f'<!doctype html><meta charset="utf-8"><title>explain</title>'
        f"<style>{_TERMINAL_STYLE}</style>"
        f"<pre><b>$ {escape(request)}</b>\n{escape(explanation.rstrip())}</pre>"
    )


def take_screenshots(browser: Browser, reports: Path, *, into: Path) -> list[Path]:
    """Draw `drift-report.png`, down to its first column, and `explain.png`.

    Args:
        browser: that draws them.
        reports: folder in which a demo kept its reports.
        into: folder of the pictures; it is made, and older pictures are replaced.

    Returns:
        The two files.

    Raises:
        DemoDataError: a report is missing.
    """
    drift, explained = _kept(reports, "drift-*.html"), _kept(reports, "explain-*.txt")
    into.mkdir(parents=True, exist_ok=True)
    context = browser.new_context(
        offline=True, viewport={"width": _WIDTH, "height": 900}, color_scheme="light"
    )
    with context, context.new_page() as page:
        page.goto(drift.resolve().as_uri())
        first_column = page.locator("section.card").first
        end = first_column.evaluate("card => card.getBoundingClientRect().bottom")
        page.screenshot(
            path=into / "drift-report.png",
            full_page=True,
            clip={"x": 0, "y": 0, "width": _WIDTH, "height": end},
        )
        page.set_content(terminal_page(explained.read_text("utf-8")))
        page.locator("body").screenshot(path=into / "explain.png")
    return [into / "drift-report.png", into / "explain.png"]


def _kept(reports: Path, pattern: str) -> Path:
    files = sorted(reports.glob(pattern))
    if not files:
        raise DemoDataError(
            f"there is no {pattern} in {reports}: run `make demo` first; its drift step writes it"
        )
    return files[-1]


def main(given: Sequence[str] | None = None) -> int:
    """Exit code 0: both pictures are drawn; 1: not, and why."""
    parser = argparse.ArgumentParser(prog="python -m demo.screenshots", description=__doc__)
    parser.add_argument("--state", type=Path, default=ROOT / ".local" / "demo")
    parser.add_argument("--into", type=Path, default=ROOT / "docs" / "images")
    arguments = parser.parse_args(given)
    program = chromium_program()
    if program is None:
        print(
            f"✕ none of {', '.join(_CHROMIUM_NAMES)} is on PATH; Debian and Ubuntu have it as "
            "package chromium"
        )
        return 1
    try:
        with headless(program) as browser:
            pictures = take_screenshots(browser, arguments.state / "reports", into=arguments.into)
    except DemoDataError as exc:
        print(f"✕ {exc}")
        return 1
    for picture in pictures:
        print(f"{picture}  {picture.stat().st_size / 1e3:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
