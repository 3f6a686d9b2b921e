"""The models there are, read from ml/models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.adapters.model_config import read_config
from shared.domain.policy import Policy
from shared.domain.retraining import GateMode, ReasonKind
from shared.errors import UnknownModelError
from shared.ports.catalog import MonitoringSettings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class FolderCatalog:
    """`names` lists folders; a model.yml is parsed when it is first asked for, and kept.

    The app is deployed as a whole, so folders do not change while it runs.
    """

    def __init__(self, root: Path | None = None) -> None:
        self._root = root
        self._known: dict[str, tuple[Policy, MonitoringSettings]] = {}
        self._names: tuple[str, ...] | None = None

    def names(self) -> Sequence[str]:
        """Names of the model folders, sorted; reads no file."""
        if self._names is None:
            # Not through ml.model_config, which imports a YAML parser: this runs for every event.
            root = self._root or _models_folder()
            self._names = tuple(sorted(path.parent.name for path in root.glob("*/model.yml")))
        return self._names

    def policy(self, model: str) -> Policy:
        """The policy in model.yml; see `ModelCatalog.policy`."""
        return self._settings(model)[0]

    def monitoring(self, model: str) -> MonitoringSettings:
        """How model.yml monitors drift; see `ModelCatalog.monitoring`."""
        return self._settings(model)[1]

    def _settings(self, model: str) -> tuple[Policy, MonitoringSettings]:
        if model not in self._known:
            self._known[model] = self._read(model)
        return self._known[model]

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
