"""The models there are, read from ml/models."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from shared.adapters.model_config import read_config
from shared.domain.policy import Policy
from shared.domain.retraining import GateMode, ReasonKind
from shared.errors import UnknownModelError
from shared.ports.catalog import MonitoringSettings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


_Stamps = tuple[tuple[str, int, int, int], ...]


class FolderCatalog:
    """Lists and reads the folders as they are now: one may appear or change while the app runs.

    What was parsed is kept until a file of the folder changes.
    """

    def __init__(self, root: Path | None = None) -> None:
        self._root = root
        self._known: dict[str, tuple[_Stamps, Policy, MonitoringSettings]] = {}

    def names(self) -> Sequence[str]:
        """Names of the model folders, sorted; reads no file."""
        # Not through ml.model_config, which imports a YAML parser: this runs for every event.
        return tuple(sorted(path.parent.name for path in self._folder.glob("*/model.yml")))

    def policy(self, model: str) -> Policy:
        """The policy in model.yml; see `ModelCatalog.policy`."""
        return self._settings(model)[1]

    def monitoring(self, model: str) -> MonitoringSettings:
        """How model.yml monitors drift; see `ModelCatalog.monitoring`."""
        return self._settings(model)[2]

    @property
    def _folder(self) -> Path:
        if self._root is None:
            self._root = _models_folder()
        return self._root

    def _settings(self, model: str) -> tuple[_Stamps, Policy, MonitoringSettings]:
        stamps = _stamps(self._folder / model)
        known = self._known.get(model)
        if known is None or known[0] != stamps:
            # Stamped before it is read: what is written meanwhile is read the next time.
            known = self._known[model] = (stamps, *self._read(model))
        return known

    def _read(self, model: str) -> tuple[Policy, MonitoringSettings]:
        config = read_config(model, self._root)
        policy = Policy(
            config_sha256=config.config_sha256,
            reasons=frozenset(ReasonKind(reason) for reason in config.retrain.reasons),
            cooldown=config.retrain.cooldown,
            drift_overrides_cooldown=config.retrain.drift_overrides_cooldown,
            jobs_per_30_days=config.retrain.max_jobs_per_30_days,
            max_attempts=config.retrain.max_attempts,
            soak=config.rollout.soak,
            drift_without_labels_retrains=config.drift.without_labels == "retrain",
            gate=GateMode(config.gate.mode),
            same_name_replaces=config.data.same_name == "replace",
            deleted_withdraws=config.data.deleted == "withdraw",
        )
        performance = config.drift.performance
        monitoring = MonitoringSettings(
            window_days=config.drift.window_days,
            late_days=config.drift.late_days,
            prediction_days=0 if config.id is None else config.drift.performance_days,
            metric=None if performance is None else performance.metric,
        )
        return policy, monitoring


def _models_folder() -> Path:
    from importlib.util import find_spec  # noqa: PLC0415 - used once
    from pathlib import Path  # noqa: PLC0415 - used once

    spec = find_spec("ml")
    if spec is None or spec.submodule_search_locations is None:
        raise UnknownModelError("the folder ml/ was not deployed with the app; see .funcignore")
    return Path(next(iter(spec.submodule_search_locations))) / "models"


def _stamps(folder: Path) -> _Stamps:
    """What changes when a file of the model does: its name, time, size and inode."""
    stamps = []
    for path in sorted(folder.rglob("*")):
        if path.name != "__pycache__" and path.parent.name != "__pycache__":
            with suppress(FileNotFoundError):  # an editor's own file comes and goes
                found = path.stat()
                stamps.append((path.name, found.st_mtime_ns, found.st_size, found.st_ino))
    return tuple(stamps)
