"""Facts and effects of a roll-out: deploy, smoke test, shift traffic, tag, retire."""

from datetime import timedelta
from enum import StrEnum

from shared.domain.declared import (
    EffectOfCycle,
    FactOfCycle,
    FactOfModel,
    OwedEffect,
    Sign,
    Step,
    Telling,
)
from shared.domain.value import value


@value
class DeploymentStarted(FactOfCycle):
    """Creation of a deployment with no traffic was requested."""

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


@value
class DeploymentReady(FactOfCycle):
    """The deployment passed its smoke test."""

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


@value
class DeploymentFailed(FactOfCycle):
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


@value
class PromotionStarted(FactOfCycle):
    """The fence: this version may take the traffic, since `over` was still the champion."""

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


@value
class ChampionPromoted(FactOfCycle):
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


@value
class TrafficChangedOutside(FactOfModel):
    """A person moved the traffic; this is respected and recorded.

    `version` serves now; None if several do or it is not ours.
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


@value
class TrafficFoundStale(FactOfModel):
    """An older write of ours (from a paused host) overwrote a newer one; it must be repaired."""

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


class Role(StrEnum):
    """A version's role, the value of its tag `role` in the registry."""

    CANDIDATE = "candidate"
    CHAMPION = "champion"
    RETIRED = "retired"
    REJECTED = "rejected"


@value
class Deploy(EffectOfCycle):
    """Deploy the version with no traffic; create the endpoint if it does not exist."""

    wire_name = "deploy"
    longest_wait = timedelta(hours=2)

    version: str
    fact_seq: int

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:deploy:{self.version}"

    @property
    def words(self) -> str:
        return f"Deploying version {self.version}"


@value
class WatchDeployment(EffectOfCycle):
    """Poll the deployment until it is up, then smoke-test it."""

    wire_name = "watch_deployment"
    longest_wait = timedelta(hours=2)

    version: str
    job_name: str  # whose evidence holds the sample request

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:smoke:{self.version}"

    @property
    def words(self) -> str:
        return f"Starting and trying version {self.version}"


@value
class ShiftTraffic(EffectOfCycle):
    """Move all traffic to the version, and watch until it has moved."""

    wire_name = "shift_traffic"
    longest_wait = timedelta(hours=2)

    version: str
    over: str | None
    fact_seq: int

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:shift:{self.version}:{self.over or '-'}"

    @property
    def words(self) -> str:
        return f"Moving the traffic to version {self.version}"


@value
class RestoreTraffic(OwedEffect):
    """Undo an older write of ours: give the champion its traffic back."""

    wire_name = "restore_traffic"
    longest_wait = timedelta(hours=2)

    version: str
    cycle_id: str
    fact_seq: int  # the champion's, as it should stand on the endpoint
    seen_seq: int  # of the fact that asks for this

    @property
    def key(self) -> str:
        return f"restore:{self.version}:{self.seen_seq}"

    @property
    def words(self) -> str:
        return f"Giving version {self.version} its traffic back"


@value
class TagModel(OwedEffect):
    """Tag a version with its role in the registry."""

    wire_name = "tag_model"
    longest_wait = None

    version: str
    role: Role
    cycle_id: str
    fact_seq: int

    @property
    def key(self) -> str:
        return f"tag:{self.version}:{self.role}:{self.fact_seq}"

    @property
    def words(self) -> str:
        return f"Tagging version {self.version}"


@value
class RetireDeployment(OwedEffect):
    """Delete a deployment that has no traffic."""

    wire_name = "retire_deployment"
    longest_wait = timedelta(hours=6)

    version: str
    fact_seq: int

    @property
    def key(self) -> str:
        return f"retire:{self.version}:{self.fact_seq}"

    @property
    def words(self) -> str:
        return f"Deleting the deployment of version {self.version}"


RolloutEffect = (
    Deploy | WatchDeployment | ShiftTraffic | RestoreTraffic | TagModel | RetireDeployment
)
