"""Fixtures: the machine's own Chromium; without one the tests are skipped with that reason."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from demo.screenshots import chromium_program, headless

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from playwright.sync_api import Browser, Page


# Per module: while it lives, Playwright keeps an event loop that other modules' tests would meet.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    program = chromium_program()
    if program is None:
        pytest.skip("no Chromium on this machine; Debian and Ubuntu have it as package chromium")
    with headless(program) as chromium:
        yield chromium


@dataclass(frozen=True)
class Opened:
    """A page with its requests and errors since it was opened."""

    page: Page
    requests: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Page:
    """One tab for all tests: starting a browser for each would take longer than the tests."""
    return browser.new_context(offline=True).new_page()


@pytest.fixture
def opened(tab: Page) -> Callable[..., AbstractContextManager[Opened]]:
    """Opens a file; settings of the one before are reset."""

    @contextmanager
    def open_file(path: Path, *, width: int = 1280, scheme: str = "light") -> Iterator[Opened]:
        tab.goto("about:blank")
        tab.set_viewport_size({"width": width, "height": 900})
        tab.emulate_media(media="screen", color_scheme=scheme)
        found = Opened(tab)
        listeners = {
            "request": lambda request: found.requests.append(request.url),
            "console": lambda message: found.messages.append(message.text),
            "pageerror": lambda error: found.messages.append(str(error)),
        }
        for event, listener in listeners.items():
            tab.on(event, listener)
        try:
            tab.goto(path.as_uri())
            yield found
        finally:
            for event, listener in listeners.items():
                tab.remove_listener(event, listener)

    return open_file
