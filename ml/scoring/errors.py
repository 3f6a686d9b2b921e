"""Errors of the scoring server that are answered to the caller."""

from __future__ import annotations

from ml.errors import MlError

# Messages quote the caller, whose words may be megabytes long.
_MOST_MESSAGE_CHARACTERS = 1000
_MOST_COLUMN_CHARACTERS = 200


class BadRequestError(MlError):
    """The caller's rows cannot be scored; answered as a 400 with exactly these fields.

    Args:
        code: stable identifier for programs, for example `missing_column`.
        message: for people: place, value, limit, remedy.
        column: the column at fault; None if it is not a single one.
    """

    def __init__(self, code: str, message: str, *, column: str | None = None) -> None:
        super().__init__(_cut(message, _MOST_MESSAGE_CHARACTERS))
        self.code = code
        self.column = None if column is None else _cut(column, _MOST_COLUMN_CHARACTERS)

    def body(self) -> dict[str, object]:
        """The JSON body of the response."""
        return {"error": {"code": self.code, "message": str(self), "column": self.column}}


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"
