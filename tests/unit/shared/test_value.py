"""Values behave as dataclasses do, though their methods are written once."""

import dataclasses

import pytest

from shared.domain.data import BlobRef
from shared.domain.declared import Value
from shared.domain.effects import EFFECTS
from shared.domain.facts import FACTS
from shared.domain.ids import JobName
from shared.domain.jobs import JobFinished, JobStatus
from shared.domain.notices import EffectDone

PLACE = BlobRef("landing", "diabetes/a.csv", "0x1")


def test_values_are_equal_by_content_and_kind():
    assert BlobRef("landing", "diabetes/a.csv", "0x1") == PLACE
    assert hash(PLACE) == hash(BlobRef("landing", "diabetes/a.csv", "0x1"))
    assert dataclasses.replace(PLACE, etag="0x2") != PLACE
    assert EffectDone("a") != "a"
    assert EffectDone("a") != JobName("a", "b", 1)


def test_a_value_shows_its_fields():
    finished = JobFinished("retrain-0123456789ab-1", JobStatus.FAILED)

    assert repr(finished) == (
        "JobFinished(job_name='retrain-0123456789ab-1', "
        "status=<JobStatus.FAILED: 'failed'>, message='')"
    )


def test_a_value_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        PLACE.etag = "0x2"  # type: ignore[misc] # what is tested


@pytest.mark.parametrize("kind", [*FACTS.values(), *EFFECTS.values()])
def test_every_fact_and_effect_is_a_value_without_methods_of_its_own(kind):
    assert issubclass(kind, Value)
    assert not {"__eq__", "__hash__", "__repr__", "__dict__"} & vars(kind).keys()
