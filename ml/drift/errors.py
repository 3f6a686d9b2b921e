"""What can be wrong with what the engine is given."""


class DriftInputError(ValueError):
    """A file, profile or setting cannot be used; the text says which, and the remedy."""
