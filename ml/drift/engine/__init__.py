"""Drift that can be trusted: profile a reference once, check every day, read the verdict.

profile = Profile.fit("train.parquet")
result = check(profile, "today.parquet")
result.verdict, result.drifted
"""

from ml.drift.engine.check import check, judge
from ml.drift.engine.errors import DriftInputError
from ml.drift.engine.layout import HistoryKind, Kind, Layout, Role
from ml.drift.engine.limits import Budget, Statistic
from ml.drift.engine.profile import Profile
from ml.drift.engine.profile_file import load_profile, save_profile
from ml.drift.engine.result import CheckResult, FeatureResult, Verdict

__all__ = [
    "Budget",
    "CheckResult",
    "DriftInputError",
    "FeatureResult",
    "HistoryKind",
    "Kind",
    "Layout",
    "Profile",
    "Role",
    "Statistic",
    "Verdict",
    "check",
    "judge",
    "load_profile",
    "save_profile",
]
