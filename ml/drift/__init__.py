"""Drift checks with a stated rate of false alarms: fit a profile once, check every day, report.

    from pathlib import Path
    from ml.drift import Profile, Verdict, check, render_report

    profile = Profile.fit("train.parquet")
    result = check(profile, "today.parquet")
    if result.verdict is Verdict.DRIFT:
        print([column.name for column in result.drifted])
    Path("report.html").write_text(render_report(result))

Data are a path, a folder, or a pandas or pyarrow table. `save_profile` and `save_result` keep both
for later; `python -m ml.drift` does the same on files. `AlarmBudget` says how many false alarms a
year are acceptable and which changes are too small to matter.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from ml.drift.errors import DriftInputError
from ml.drift.result import (
    AlarmBudget,
    CheckResult,
    ColumnResult,
    Kind,
    Role,
    Signal,
    Verdict,
)
from ml.drift.result_file import load_result, save_result

if TYPE_CHECKING:
    from ml.drift.counting.columns import HistoryKind
    from ml.drift.profiles.merging import merge_profiles
    from ml.drift.profiles.profile import Profile
    from ml.drift.profiles.profile_file import load_profile, save_profile
    from ml.drift.report.document import render_report
    from ml.drift.verdict.checking import check, judge_scan

__all__ = [
    "AlarmBudget",
    "CheckResult",
    "ColumnResult",
    "DriftInputError",
    "HistoryKind",
    "Kind",
    "Profile",
    "Role",
    "Signal",
    "Verdict",
    "check",
    "judge_scan",
    "load_profile",
    "load_result",
    "merge_profiles",
    "render_report",
    "save_profile",
    "save_result",
]

# Results are read without numpy, pyarrow and scipy; what needs them is imported on first use.
_IMPORTED_ON_USE: Final = {
    "HistoryKind": "counting.columns",
    "Profile": "profiles.profile",
    "check": "verdict.checking",
    "judge_scan": "verdict.checking",
    "load_profile": "profiles.profile_file",
    "merge_profiles": "profiles.merging",
    "render_report": "report.document",
    "save_profile": "profiles.profile_file",
}


if not TYPE_CHECKING:  # or a misspelt name would pass for Any

    def __getattr__(name: str) -> Any:
        if name not in _IMPORTED_ON_USE:
            raise AttributeError(f"module {__name__} has no attribute {name}")
        return getattr(import_module(f"{__name__}.{_IMPORTED_ON_USE[name]}"), name)
