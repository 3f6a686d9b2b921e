"""Deploy a version, move the traffic to it, and clean up after the others."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from shared.domain.effects.base import OfCycle, Owed


class Role(StrEnum):
    """A version's part, as its tag `role` in the registry says."""

    CANDIDATE = "candidate"
    CHAMPION = "champion"
    RETIRED = "retired"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Deploy(OfCycle):
    """Deploy the version with no traffic; create the endpoint where there is none."""

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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class WatchDeployment(OfCycle):
    """Look whether the deployment is up, then send it a smoke test."""

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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ShiftTraffic(OfCycle):
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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RestoreTraffic(Owed):
    """An older write of ours won: give the champion its traffic back."""

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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TagModel(Owed):
    """Say in the registry what part a version plays."""

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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RetireDeployment(Owed):
    """Delete a deployment that serves nothing."""

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
