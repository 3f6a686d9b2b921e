"""Why the demo did not go through."""

from __future__ import annotations


class StepFailedError(Exception):
    """A step did not happen; the text says what was awaited and where to look."""


class DemoClientError(Exception):
    """Something answered otherwise than it should; the text quotes it."""


class DemoDataError(Exception):
    """The demo has no data to run on; the text says which."""
