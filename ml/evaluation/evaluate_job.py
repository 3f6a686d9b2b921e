"""Step 3 of the pipeline: challenger and champion on the frozen rows -> evidence."""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from ml.cells.contract_file import CONTRACT_FILE
from ml.drift import DriftInputError, Profile, load_profile, save_profile
from ml.evaluation.compare import Comparison, Contestant, compare
from ml.evaluation.evidence import Evidence, split_notes
from ml.evaluation.leaks import leak_warnings
from ml.evaluation.report import render_report
from ml.model_config import read_model
from ml.model_folder import ModelFolder
from ml.reference.profile import PROFILE_FILE, reference_profile, with_predictions
from ml.step_end import told_at_the_end
from ml.step_files import TRAINING_FILE, PreparedRecord, write_json
from ml.tracking import JobRun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml.model_config import ModelConfig

REPORT_FILE: Final = "report.html"
_SAMPLE_ROWS: Final = 3
_CHALLENGER: Final = "challenger"


def main(argv: Sequence[str] | None = None) -> None:
    """Run the step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model-name", required=True)
    parser.add_argument("--cycle-id", required=True)
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("--challenger", type=Path, required=True)
    parser.add_argument("--challenger-version")
    parser.add_argument("--champion", type=Path)
    parser.add_argument("--champion-version")
    parser.add_argument("--evidence", type=Path, required=True)
    args = parser.parse_args(argv)

    config = read_model(args.model_name)
    prepared = PreparedRecord.read(args.prepared)
    test = pd.read_parquet(args.prepared / "test.parquet")
    challenger = ModelFolder.read(args.challenger)
    champion = ModelFolder.read(args.champion) if args.champion is not None else None
    train = pd.read_parquet(args.prepared / "train.parquet")
    comparison = compare(
        test,
        _contestant(challenger),
        _contestant(champion) if champion is not None else None,
        learnt=train[config.target],
        config=config,
    )
    leaky = leak_warnings(train, config)
    comparison = replace(comparison, warnings=(*comparison.warnings, *leaky))
    folder: Path = args.evidence
    (folder / _CHALLENGER).mkdir(parents=True, exist_ok=True)
    comparison.predictions.to_parquet(folder / "predictions.parquet", index=False)
    page = render_report(
        comparison,
        config=config,
        champion_version=args.champion_version,
        cycle_id=args.cycle_id,
    )
    (folder / REPORT_FILE).write_text(page, encoding="utf-8")
    write_json(folder / "sample_request.json", sample_request(test, config))
    _copy_challenger(challenger.path, folder / _CHALLENGER)
    profile, profile_notes = _profile_of(challenger.path, args.prepared, config)
    answers = comparison.predictions["challenger"].to_numpy()
    reference = f"{_CHALLENGER}/{PROFILE_FILE}"
    save_profile(with_predictions(profile, test, answers, config), folder / reference)
    Evidence(
        cycle_id=args.cycle_id,
        challenger_version=args.challenger_version,
        champion_version=args.champion_version,
        metrics=comparison.metrics,
        test_rows=len(test),
        prepared=prepared,
        reference=reference,
        obstacle=comparison.obstacle,
        warnings=comparison.warnings,
        notes=[
            *split_notes(
                prepared.test_percent,
                challenger=challenger.path,
                champion=None if champion is None else champion.path,
            ),
            *profile_notes,
        ],
    ).write(folder)
    _track(comparison, folder)
    print(_log_line(config, comparison))  # noqa: T201 - the job's log


def sample_request(test: pd.DataFrame, config: ModelConfig) -> dict[str, Any]:
    """A scoring request with a few frozen rows, for the smoke test of a deployment."""
    rows = test[list(config.features)].head(_SAMPLE_ROWS)
    return {"data": json.loads(rows.to_json(orient="records", date_format="iso"))}


def _contestant(folder: ModelFolder) -> Contestant:
    return Contestant(folder.load(), tuple(column.name for column in folder.columns))


def _copy_challenger(model: Path, folder: Path) -> None:
    """Copy the challenger's metadata beside the evidence, but not the model itself."""
    for name in ("MLmodel", CONTRACT_FILE, TRAINING_FILE):
        if (model / name).is_file():
            shutil.copyfile(model / name, folder / name)


def _profile_of(model: Path, prepared: Path, config: ModelConfig) -> tuple[Profile, Sequence[str]]:
    """The model's reference profile, or one of the prepared training rows, with notes.

    A version that a person registered has none; that of an older release may be unreadable.
    """
    own, notes = model / PROFILE_FILE, []
    if own.is_file():
        try:
            return load_profile(own), ()
        except DriftInputError as exc:
            notes = [f"Training rows of this cycle stand in for the challenger's reference: {exc}."]
    return reference_profile(pd.read_parquet(prepared / "train.parquet"), config), notes


def _track(comparison: Comparison, folder: Path) -> None:
    run = JobRun.of_this_step()
    if run is None:
        return
    metrics = {pair.name: pair.challenger for pair in comparison.metrics}
    metrics |= {
        f"champion_{pair.name}": pair.champion
        for pair in comparison.metrics
        if pair.champion is not None
    }
    run.log(params={}, metrics=metrics)
    run.keep_file(folder / REPORT_FILE)


def _log_line(config: ModelConfig, comparison: Comparison) -> str:
    parts = [
        f"{pair.name} {pair.challenger:.4g}"
        + (f" against {pair.champion:.4g}" if pair.champion is not None else "")
        for pair in comparison.metrics
    ]
    return f"{config.name}: {', '.join(parts)} on {len(comparison.predictions)} frozen rows"


if __name__ == "__main__":
    with told_at_the_end():
        main()
