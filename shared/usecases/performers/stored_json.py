"""JSON as the app stores it in the data container."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from shared.errors import DataMismatchError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def dumps(document: Mapping[str, Any]) -> str:
    """One line, letters beyond ASCII as they are: hashes of it are recorded."""
    return json.dumps(document, ensure_ascii=False)


@contextmanager
def reading(place: str) -> Iterator[None]:
    """What was stored at `place` is being read.

    Raises:
        DataMismatchError: it is not what the app stores there.
    """
    try:
        yield
    except (ValueError, KeyError, TypeError) as exc:
        raise DataMismatchError(f"{place} cannot be read ({type(exc).__name__}: {exc})") from exc
