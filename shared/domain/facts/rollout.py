"""A version is deployed, takes the traffic, and serves."""

from dataclasses import dataclass
from datetime import timedelta

from shared.domain.facts.base import OfCycle, OfModel, Sign, Step, Telling


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DeploymentStarted(OfCycle):
    """A deployment with no traffic was asked for."""

    wire_name = "deployment_started"

    version: str

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:deploying:{self.version}"

    @property
    def words(self) -> str:
        return f"version {self.version} is starting, with no traffic"

    @property
    def tells(self) -> tuple[Telling, ...]:
        return (Telling(Step.DEPLOYED, Sign.RUNNING, self.words),)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DeploymentReady(OfCycle):
    """The deployment answered its smoke test."""

    wire_name = "deployment_ready"

    version: str
    sentence: str = ""

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:deployed:{self.version}"

    @property
    def words(self) -> str:
        return self.sentence.rstrip(".") or f"version {self.version} answered its smoke test"

    @property
    def tells(self) -> tuple[Telling, ...]:
        return (Telling(Step.DEPLOYED, Sign.DONE, self.words),)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DeploymentFailed(OfCycle):
    """The deployment did not come up, or failed its smoke test."""

    wire_name = "deployment_failed"

    version: str
    sentence: str

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:deployed:{self.version}"

    @property
    def words(self) -> str:
        return self.sentence

    @property
    def tells(self) -> tuple[Telling, ...]:
        return (Telling(Step.DEPLOYED, Sign.NO, self.words),)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PromotionStarted(OfCycle):
    """The fence: this version may take the traffic, as `over` was still the champion."""

    wire_name = "promotion_started"

    version: str
    over: str | None

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:promoting:{self.version}:{self.over or '-'}"

    @property
    def words(self) -> str:
        return f"the traffic moves to version {self.version}"

    @property
    def tells(self) -> tuple[Telling, ...]:
        return (Telling(Step.TRAFFIC, Sign.RUNNING, self.words),)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ChampionPromoted(OfCycle):
    """Observed traffic agrees: the version serves production."""

    wire_name = "champion_promoted"

    version: str
    over: str | None
    fact_seq: int  # of the PromotionStarted it fulfils, as tagged on the endpoint
    soak: timedelta = timedelta(0)

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:promoted"

    @property
    def words(self) -> str:
        return f"version {self.version} answers all requests"

    @property
    def tells(self) -> tuple[Telling, ...]:
        return (Telling(Step.TRAFFIC, Sign.DONE, self.words),)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TrafficChangedOutside(OfModel):
    """A person moved the traffic; that is respected and recorded.

    `version` is what serves now, or None when it is nothing of ours or several.
    """

    wire_name = "traffic_changed_outside"

    version: str | None
    observed: str  # e.g. "version-7 100 %"
    after_seq: int  # fact count when it was seen: a second such change is another fact

    @property
    def key(self) -> str:
        return f"traffic-outside:{self.after_seq}:{self.observed}"

    @property
    def words(self) -> str:
        return f"the traffic was changed outside: {self.observed}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TrafficFoundStale(OfModel):
    """An older write of ours won over a newer one (a paused host): it is to be repaired."""

    wire_name = "traffic_found_stale"

    observed: str
    found_seq: int  # fact_seq tag on the endpoint
    fact_seq: int  # the one that should be there
    after_seq: int  # fact count when it was seen

    @property
    def key(self) -> str:
        return f"traffic-stale:{self.after_seq}:{self.found_seq}:{self.fact_seq}"

    @property
    def words(self) -> str:
        return f"an older write to the traffic won: {self.observed}"


RolloutFact = (
    DeploymentStarted
    | DeploymentReady
    | DeploymentFailed
    | PromotionStarted
    | ChampionPromoted
    | TrafficChangedOutside
    | TrafficFoundStale
)
