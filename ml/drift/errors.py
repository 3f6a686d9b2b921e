"""What can be wrong with what the engine is given.

There is one error for its users, since there is one thing to do: give it something else. A change
that a check finds is never an error, and neither is a window with too few rows: both are verdicts.
"""


class DriftInputError(ValueError):
    """A file, profile or setting cannot be used; the text says which, and the remedy."""


class TypesWidenedError(Exception):
    """A value did not fit the column's type; the type is wider now, read the source again.

    It never leaves the engine: whoever streams a source begins anew.
    """
