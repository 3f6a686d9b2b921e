"""What a stack runs, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local.event_grid import Faults

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from local.stack.file import StackFile


@dataclass(frozen=True, slots=True)
class StackOptions:
    """What a stack runs and how.

    Args:
        app_dir: folder of the function app.
        file: what to set up around it.
        state: folder of everything that survives a restart.
        cache: folder of what can be made again: Azurite, virtual environments, an empty database.
        trace: file for every exchange with the Azure ML control plane, or None.
        event_speed: how much faster than Azure deliveries are retried.
        faults: what Event Grid does wrong on purpose.
        ports: fixed ports by service; others are chosen once and kept with the state.
        hosts: Functions hosts over the same storage; more than one shows what scaling out does.
    """

    app_dir: Path
    file: StackFile
    state: Path
    cache: Path
    trace: Path | None = None
    event_speed: float = 1.0
    faults: Faults = field(default_factory=Faults)
    ports: Mapping[str, int] = field(default_factory=dict)
    hosts: int = 1
