"""The message of an SDK's error, short and without secrets, to be stored and shown."""

from __future__ import annotations

import re

_LONGEST = 600
# A shared access signature or an account key must never reach log or ledger.
_SECRET = re.compile(r"((?:\bsig|AccountKey|SharedAccessKey)=)[^&;\s\"']+", re.IGNORECASE)
_BEARER = re.compile(r"(Bearer )[\w.~+/-]+=*", re.IGNORECASE)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # azure.ai.ml colours its errors


def error_text(exc: BaseException, *, lines: int | None = None) -> str:
    """One line without secrets, at most 601 characters; the class name of an empty message.

    Args:
        exc: any error.
        lines: how many lines of the message to use; all by default.
    """
    said = _COLOUR.sub("", str(exc)).strip().splitlines()[:lines]
    text = " ".join(" ".join(said).split()) or type(exc).__name__
    text = _BEARER.sub(r"\1***", _SECRET.sub(r"\1***", text))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
