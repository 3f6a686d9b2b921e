"""What can go wrong in the local stack, sorted by what the person at the keyboard should do."""

from __future__ import annotations


class LocalStackError(Exception):
    """Root of all errors of the local stack; the text says value, limit and remedy."""


class ProcessFailedError(LocalStackError):
    """A program of the stack did not start, did not answer, or ended too early."""


class StackFileError(LocalStackError):
    """The stack file has mistakes; the text lists all of them."""


class UnsupportedError(LocalStackError):
    """The stack was asked for something that Azure has and it does not; the text names it."""
