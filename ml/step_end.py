"""How a step ends that failed: a mistake that stays is said in one line, which ends its log."""

from __future__ import annotations

import sys
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from ml.errors import (
    ModelArtefactError,
    ModelConfigError,
    NotEnoughRowsError,
    UndefinedStatisticError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

FINAL_EXIT_CODE: Final = 4
_MARK: Final = "final: "
# The same rows, settings and code lead to these again.
_STAY: Final = (ModelArtefactError, ModelConfigError, NotEnoughRowsError, UndefinedStatisticError)


@contextmanager
def told_at_the_end() -> Iterator[None]:
    """Say in the last line of the log what cannot end otherwise, so that nobody tries it again.

    The app looks for the line: Azure ML quotes the end of a failed step's log.

    Raises:
        SystemExit: FINAL_EXIT_CODE, after a mistake in the model's folder, a part that cannot be
            saved, too few rows, or a metric without a value.
    """
    try:
        yield
    except _STAY as exc:
        traceback.print_exc()
        sentence = "; ".join(line.strip() for line in str(exc).splitlines() if line.strip())
        print(f"{_MARK}{sentence}", file=sys.stderr, flush=True)  # noqa: T201 - the job's log
        raise SystemExit(FINAL_EXIT_CODE) from exc
