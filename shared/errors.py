"""What can go wrong, sorted by what the caller should do about it.

A failed data test, a worse challenger, a declined policy are verdicts: values, never errors.
Messages give value, limit, remedy.
"""

from __future__ import annotations


class RetrainError(Exception):
    """Root of all errors of this project."""


class TransientError(RetrainError):
    """The same call may work later: let it propagate, and the message is redelivered."""


class LedgerConflictError(TransientError):
    """The stream has grown since it was read; nothing was written. Reload and decide again."""


class ServiceBusyError(TransientError):
    """A service did not answer, or asked callers to back off."""


class TimedOutError(TransientError):
    """No answer in time; the call may or may not have taken effect."""


class NotThereYetError(TransientError):
    """Something expected does not exist yet, such as the evidence of a running job."""


class TerminalError(RetrainError):
    """The same call would fail the same way again: record it, raise an alert, acknowledge."""


class EventRejectedError(TerminalError):
    """An event cannot be read, or is about something that is not ours."""


class NotTheChampionError(TerminalError):
    """A person wants to unseat a version that is not the champion."""


class FactConflictError(TerminalError):
    """A fact contradicts one that is already recorded."""


class JobMismatchError(TerminalError):
    """A job of that name exists but was made from other inputs."""


class DataMismatchError(TerminalError):
    """Stored data differs from what its recorded hash says."""


class EvidenceError(TerminalError):
    """The evidence of a job that has ended is missing or cannot be read."""


class UnknownModelError(TerminalError):
    """No model has that name; the message suggests the nearest one."""


class UnknownFileError(TerminalError):
    """The model has no file of that name, or its data set does not hold it; the text says which."""


class ModelConfigError(TerminalError):
    """A model's folder has mistakes; the message lists all of them."""


class RequestRefusedError(TerminalError):
    """A service understood the call and refused it (400, 403, 404, quota)."""


class BlobChangedError(RetrainError):
    """The blob is gone or its ETag differs from the requested one: it was superseded."""


class BlobTooLargeError(RetrainError):
    """The blob is larger than a function may read, packed or unpacked; a job has to read it."""


class SettingsError(RetrainError):
    """Settings are missing or malformed; the message lists all of them. Refuse to start."""
