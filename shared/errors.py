"""What can go wrong, sorted by what the caller should do about it.

A failed data test, a worse challenger, a declined policy are verdicts: values, never errors.
Messages give value, limit, remedy.
"""

from __future__ import annotations


class RetrainError(Exception):
    """Root of all errors of this project."""


class TransientError(RetrainError):
    """The same call may work later: let it propagate, the message comes again."""


class LedgerConflictError(TransientError):
    """The stream has grown since it was read; nothing was written. Reload and decide again."""


class ServiceBusyError(TransientError):
    """A service did not answer, or asked to be left alone for a while."""


class TimedOutError(TransientError):
    """No answer in time; whether the call had an effect is not known."""


class NotThereYetError(TransientError):
    """Something that is on its way cannot be read yet (evidence of a running job)."""


class TerminalError(RetrainError):
    """The same call would fail the same way again: record it, raise an alert, acknowledge."""


class EventRejectedError(TerminalError):
    """An event cannot be read, or speaks of something that is not ours."""


class FactConflictError(TerminalError):
    """Two facts contradict each other: the same thing was learnt twice, differently."""


class JobMismatchError(TerminalError):
    """A job of that name exists and was made from something else."""


class DataMismatchError(TerminalError):
    """Stored data differs from what its recorded hash says."""


class EvidenceError(TerminalError):
    """A job's evidence is missing although the job is over, or cannot be read."""


class UnknownModelError(TerminalError):
    """There is no model of that name; the text suggests one."""


class ModelConfigError(TerminalError):
    """A model's folder has mistakes; the text lists all of them."""


class RequestRefusedError(TerminalError):
    """A service understood the call and refused it (400, 403, 404, quota)."""


class BlobChangedError(RetrainError):
    """The blob is gone or has another ETag than the one asked for: it was superseded."""


class BlobTooLargeError(RetrainError):
    """The blob is larger than a function may read, packed or unpacked: a job's business."""


class SettingsError(RetrainError):
    """Settings are missing or malformed; the text lists all of them. Refuse to start."""
