from __future__ import annotations

from local.commands.unknown import unknown


def test_unknown_name_is_answered_with_all_names_and_the_closest():
    assert str(unknown("timer", "reconsile", ["drift_daily", "reconcile"])) == (
        "no timer 'reconsile'; there are: drift_daily, reconcile. Did you mean 'reconcile'?"
    )


def test_unknown_name_that_is_like_no_other_gets_no_suggestion():
    assert str(unknown("timer", "zzz", ["drift_daily"])) == "no timer 'zzz'; there are: drift_daily"
    assert str(unknown("timer", "zzz", [])) == "no timer 'zzz'; there are: none"
