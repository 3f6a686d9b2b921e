"""The answer to a name that does not exist."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Sequence


def unknown(kind: str, given: str, known: Sequence[str]) -> LocalStackError:
    """An error that lists the known names, and suggests the closest one."""
    close = difflib.get_close_matches(given, known, n=1)
    meant = f". Did you mean {close[0]!r}?" if close else ""
    return LocalStackError(f"no {kind} {given!r}; there are: {', '.join(known) or 'none'}{meant}")
