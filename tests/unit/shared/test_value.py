"""A value behaves as a dataclass does, though its methods are written once."""

import copy
import dataclasses
import pickle
from datetime import UTC, date, datetime

import pytest

from shared.domain.data import BlobRef
from shared.domain.drift import CheckDrift
from shared.domain.effects import EFFECTS
from shared.domain.facts import FACTS
from shared.domain.ids import JobName
from shared.domain.jobs import JobFinished, JobStatus
from shared.domain.notices import EffectDone
from shared.domain.value import Value

DAY = date(2026, 3, 14)
NOON_UTC = datetime(2026, 3, 14, 12, tzinfo=UTC)
PLACE = BlobRef("landing", "diabetes/a.csv", "0x1")


def test_values_are_equal_by_type_and_fields():
    assert BlobRef("landing", "diabetes/a.csv", "0x1") == PLACE
    assert hash(PLACE) == hash(BlobRef("landing", "diabetes/a.csv", "0x1"))
    assert dataclasses.replace(PLACE, etag="0x2") != PLACE
    assert EffectDone("a") != "a"
    assert EffectDone("a") != JobName("a", "b", 1)


def test_repr_shows_the_fields():
    finished = JobFinished("retrain-0123456789ab-1", JobStatus.FAILED)

    assert repr(finished) == (
        "JobFinished(job_name='retrain-0123456789ab-1', "
        "status=<JobStatus.FAILED: 'failed'>, message='', final=False)"
    )


def test_value_is_immutable():
    with pytest.raises(dataclasses.FrozenInstanceError):
        PLACE.etag = "0x2"  # type: ignore[misc] # what is tested

    with pytest.raises(dataclasses.FrozenInstanceError):
        del PLACE.etag


def test_copied_or_unpickled_value_is_equal():
    assert copy.deepcopy(PLACE) == PLACE
    assert pickle.loads(pickle.dumps(PLACE)) == PLACE  # noqa: S301 - its own


def test_fields_are_passed_and_replaced_as_in_a_dataclass():
    checked = CheckDrift(DAY, "7", NOON_UTC, NOON_UTC, not_before_utc=NOON_UTC)

    assert dataclasses.replace(checked, profile="8").not_before_utc == NOON_UTC
    assert CheckDrift(day=DAY, profile="7", window_start_utc=NOON_UTC, window_end_utc=NOON_UTC) == (
        CheckDrift(DAY, "7", NOON_UTC, NOON_UTC)
    )
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'etag'"):
        BlobRef("landing", "diabetes/a.csv")  # type: ignore[call-arg] # what is tested
    with pytest.raises(TypeError, match="positional argument"):
        EffectDone("a", "b")  # type: ignore[call-arg] # what is tested


@pytest.mark.parametrize("kind", [*FACTS.values(), *EFFECTS.values()])
def test_every_fact_and_effect_inherits_its_methods_from_value(kind):
    assert issubclass(kind, Value)
    assert not {"__eq__", "__hash__", "__repr__", "__dict__"} & vars(kind).keys()
