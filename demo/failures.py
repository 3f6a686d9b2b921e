"""Errors that end the demo."""

from __future__ import annotations


class StepFailedError(Exception):
    """A step did not happen; the text says what was awaited and where to look."""


class DemoClientError(Exception):
    """A service gave an unexpected answer; the message quotes it."""


class DemoDataError(Exception):
    """The demo has no data to run on; the text says which."""
