"""Errors of the local stack, by what the user should do about them."""

from __future__ import annotations


class LocalStackError(Exception):
    """Root of all errors of the local stack; the text says value, limit and remedy."""


class ProcessFailedError(LocalStackError):
    """A program of the stack did not start, did not answer, or ended too early."""


class StackFileError(LocalStackError):
    """The stack file has mistakes; the text lists all of them."""


class UnsupportedError(LocalStackError):
    """Azure has this, the local stack does not; the text names it."""
