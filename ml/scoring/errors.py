"""What the scoring server refuses in a request, and why."""

from __future__ import annotations

from ml.errors import MlError


class BadRequestError(MlError):
    """The caller's rows cannot be scored; becomes a 400 with exactly these fields.

    Args:
        code: stable word for programs, for example `missing_column`.
        message: for people: place, value, limit, remedy.
        column: the column at fault, None where it is not one column's fault.
    """

    def __init__(self, code: str, message: str, *, column: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.column = column

    def body(self) -> dict[str, object]:
        """The answer's JSON."""
        return {"error": {"code": self.code, "message": str(self), "column": self.column}}
