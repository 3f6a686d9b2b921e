"""Errors of the drift engine.

Users see only one of them, since the remedy is always the same: give the engine other input.
Drift is not an error, and neither is a window with too few rows: both are verdicts.
"""


class DriftInputError(ValueError):
    """A file, a profile or a setting cannot be used; the message says which, and the remedy."""


class TypesWidenedError(Exception):
    """A value did not fit the type of its column. The type is wider now: read the source again.

    Internal: callers of the engine never see it.
    """
