"""What a performer is, and which effect each one performs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from shared.domain.effects import Effect

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from shared.domain.facts import Fact
    from shared.domain.state import State

E = TypeVar("E", bound=Effect)


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to record yet: look again later, or at once where something was done and more is due.

    `jobs` go on meanwhile, and are cancelled when the waiting is given up.
    """

    for_what: str
    at_once: bool = False
    jobs: tuple[str, ...] = ()


if TYPE_CHECKING:
    # Does the effect, or looks how far it is, and returns the fact to record or what to wait for.
    # The state is that of the effect's model, as it was when the effect was found to be due.
    # TransientError: try again later. TerminalError: the effect is given up with its message.
    Performer: TypeAlias = Callable[[E, State], Fact | Wait]


class Performers:
    """Which performer performs which type of effect."""

    def __init__(self) -> None:
        self._performers: dict[type, Performer[Any]] = {}

    def register(self, kind: type[E], performer: Performer[E]) -> None:
        """Effects of this type are performed by that performer."""
        self._performers[kind] = performer

    def perform(self, effect: Effect, state: State) -> Fact | Wait:
        """Do it, or look how far it is.

        Args:
            effect: what is due.
            state: of the effect's model, as it was when the effect was found to be due.

        Returns:
            The fact to record, or what to wait for.

        Raises:
            TransientError: try again later.
            TerminalError: it will never work; the effect is given up with this message.
            KeyError: the effect's type has no performer.
        """
        return self._performers[type(effect)](effect, state)

    def registered(self) -> frozenset[type]:
        """The types of effects that have a performer."""
        return frozenset(self._performers)
