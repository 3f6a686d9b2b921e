"""Drift that can be trusted: profile a reference once, check every day, read the verdict.

profile = Profile.fit("train.parquet")
result = check(profile, "today.parquet")
result.verdict, result.drifted
"""

from ml.drift.counting.layout import HistoryKind, Kind, Layout, Role
from ml.drift.errors import DriftInputError
from ml.drift.profiles.profile import Profile
from ml.drift.profiles.profile_file import load_profile, save_profile
from ml.drift.statistics.limits import Budget, Statistic
from ml.drift.verdict.checking import check, judge
from ml.drift.verdict.result import CheckResult, FeatureResult, Verdict

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
