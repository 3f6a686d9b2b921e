from __future__ import annotations

from local.commands.unknown import unknown


def test_unknown_name_lists_the_known_names_and_the_closest_one():
    assert str(unknown("timer", "reconsile", ["drift_daily", "reconcile"])) == (
        "no timer 'reconsile'; there are: drift_daily, reconcile. Did you mean 'reconcile'?"
    )


def test_unknown_name_without_a_similar_one_gets_no_suggestion():
    assert str(unknown("timer", "zzz", ["drift_daily"])) == "no timer 'zzz'; there are: drift_daily"
    assert str(unknown("timer", "zzz", [])) == "no timer 'zzz'; there are: none"
