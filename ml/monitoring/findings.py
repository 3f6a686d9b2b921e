"""Sentences about the check of a window: what changed, and what happens next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ml.drift import Verdict
from ml.drift.report.sentences import headline, moved
from ml.monitoring.performance import Realised

if TYPE_CHECKING:
    from ml.drift import CheckResult
    from ml.model_config import ModelConfig
    from ml.monitoring.performance import Performance

_MOST_NAMED: Final = 3


def sentence_of(result: CheckResult) -> str:
    """The headline and, with drift, the columns that changed."""
    text = headline(result)
    if result.verdict is not Verdict.DRIFT:
        return text
    named = [moved(feature) for feature in result.drifted[:_MOST_NAMED]]
    named += [f"column {name} is gone" for name in result.vanished_columns[:_MOST_NAMED]]
    more = len(result.drifted) + len(result.vanished_columns) - len(named)
    return f"{text}: {'; '.join(named)}{f'; and {more} more' if more else ''}."


def next_step(config: ModelConfig, result: CheckResult, performance: Performance | None) -> str:
    """What the app does next, according to model.yml."""
    found = [
        reason
        for reason, given in (
            ("drift", result.verdict is Verdict.DRIFT),
            ("performance", performance is not None and performance.verdict is Realised.WORSE),
        )
        if given
    ]
    taken = [reason for reason in found if reason in config.retrain.reasons]
    if taken:
        return (
            "a retraining cycle opens, and the retrain policy (cooldown, budget, new labels) says "
            "yes or no, with its reason."
        )
    if found:
        return (
            f"no retraining by itself, since retrain.reasons in model.yml does not list "
            f"{' or '.join(found)}; retrain by hand, or list it."
        )
    if result.verdict is Verdict.NOT_ENOUGH_DATA and config.drift.late_days:
        days = config.drift.late_days
        later = "1 day" if days == 1 else f"{days} days"
        return f"the day is looked at again for {later}, in case rows come late."
    return "nothing; the next day is checked by itself."
