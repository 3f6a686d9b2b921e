"""Errors between the host and the app that it runs."""

from __future__ import annotations

from local.errors import LocalStackError


class FunctionAppError(LocalStackError):
    """The app cannot be run: it does not import, or Azure or this host would refuse it."""


class InvocationError(LocalStackError):
    """A function failed; the text ends with its traceback."""


class HostStoppingError(InvocationError):
    """The function did not fail: the host ended while it ran."""
