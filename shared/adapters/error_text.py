"""What an SDK's error says, fit to be kept for ever and shown to people."""

from __future__ import annotations

import re

_LONGEST = 600
# A shared access signature in an address, a key in a connection string: never into log or ledger.
_SECRET = re.compile(r"((?:\bsig|AccountKey|SharedAccessKey)=)[^&;\s\"']+", re.IGNORECASE)
_BEARER = re.compile(r"(Bearer )[\w.~+/-]+=*", re.IGNORECASE)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # azure.ai.ml paints its errors


def error_text(exc: BaseException, *, lines: int | None = None) -> str:
    """One line without secrets, cut where it is long; the error's kind where it says nothing.

    Args:
        exc: anybody's error.
        lines: how many of its lines say something; all of them when not given.
    """
    said = _COLOUR.sub("", str(exc)).strip().splitlines()[:lines]
    text = " ".join(" ".join(said).split()) or type(exc).__name__
    text = _BEARER.sub(r"\1***", _SECRET.sub(r"\1***", text))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
