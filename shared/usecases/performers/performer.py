"""The interface of a performer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from shared.domain.effects import Effect

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from shared.domain.facts import Fact
    from shared.domain.state import State

E = TypeVar("E", bound=Effect)


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to record yet: poll again later, or at once after progress.

    `jobs` are those that it waits for; they are cancelled when the effect is given up.
    """

    for_what: str
    at_once: bool = False
    jobs: tuple[str, ...] = ()


if TYPE_CHECKING:
    # Does the effect, or looks how far it is, and returns the fact to record or what to wait for.
    # The state is that of the effect's model, as it was when the effect was found to be due.
    # TransientError: try again later. TerminalError: the effect is given up with its message.
    Performer: TypeAlias = Callable[[E, State], Fact | Wait]
