"""Step 3 of the pipeline: challenger and champion on the frozen rows -> evidence."""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ml.drift import DriftInputError, Profile, load_profile, save_profile
from ml.evaluation.compare import Comparison, Contestant, compare
from ml.evaluation.report import render_report
from ml.model_config import read_model
from ml.model_folder import ModelFolder
from ml.reference.profile import PROFILE_FILE, reference_profile, with_predictions
from ml.tracking import JobRun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml.model_config import ModelConfig

_SAMPLE_ROWS = 3
_REFERENCE = f"challenger/{PROFILE_FILE}"


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
    prepared = json.loads((args.prepared / "prepared.json").read_text(encoding="utf-8"))
    test = pd.read_parquet(args.prepared / "test.parquet")
    challenger = ModelFolder.read(args.challenger)
    champion = ModelFolder.read(args.champion) if args.champion is not None else None
    comparison = compare(
        test,
        _contestant(challenger),
        _contestant(champion) if champion is not None else None,
        config=config,
    )
    folder: Path = args.evidence
    folder.mkdir(parents=True, exist_ok=True)
    comparison.predictions.to_parquet(folder / "predictions.parquet", index=False)
    page = render_report(
        comparison,
        config=config,
        champion_version=args.champion_version,
        cycle_id=args.cycle_id,
    )
    (folder / "report.html").write_text(page, encoding="utf-8")
    _write_json(folder / "sample_request.json", sample_request(test, config))
    _keep_challenger(challenger.path, folder)
    profile, profile_notes = _profile_of(challenger.path, args.prepared, config)
    said = comparison.predictions["challenger"].to_numpy()
    save_profile(with_predictions(profile, test, said, config), folder / _REFERENCE)
    document = evidence(
        comparison,
        prepared,
        cycle_id=args.cycle_id,
        challenger_version=args.challenger_version,
        champion_version=args.champion_version,
        notes=[
            *split_notes(
                prepared,
                challenger=challenger.path,
                champion=None if champion is None else champion.path,
            ),
            *profile_notes,
        ],
    )
    # Written last: whoever finds it finds the rest.
    _write_json(folder / "evidence.json", document)
    _track(comparison, folder)
    print(_log_line(config, comparison))  # noqa: T201 - the job's log


def evidence(
    comparison: Comparison,
    prepared: dict[str, Any],
    *,
    cycle_id: str,
    challenger_version: str | None,
    champion_version: str | None,
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """The document that the gate reads; format 1.

    Args:
        comparison: of both models.
        prepared: what `prepare` wrote about the rows.
        cycle_id: whose evidence it is.
        challenger_version: None while the challenger is not registered yet.
        champion_version: whom it was compared with, None for nobody.
        notes: what a person should know before trusting the comparison.
    """
    metrics = [asdict(pair) for pair in comparison.metrics]
    champion = {pair.name: pair.champion for pair in comparison.metrics}
    return {
        "format": 1,
        "model": prepared["model"],
        "cycle_id": cycle_id,
        "challenger": {
            "version": challenger_version,
            "metrics": {pair.name: pair.challenger for pair in comparison.metrics},
        },
        "champion": {"version": champion_version, "metrics": champion}
        if champion_version is not None
        else None,
        "champion_version": champion_version,
        "metrics": metrics,
        "rows": {"train": prepared["rows"]["train"], "test": len(comparison.predictions)},
        "data_version": prepared["data_version"],
        "data_sha256": prepared["data_sha256"],
        "test_rows_sha256": prepared["test_rows_sha256"],
        "config_sha256": prepared["config_sha256"],
        "reference": _REFERENCE,
        "notes": list(notes),
    }


def split_notes(prepared: dict[str, Any], **models: Path | None) -> list[str]:
    """A sentence for each model that may have been trained on rows that are frozen now.

    Args:
        prepared: what `prepare` wrote; holds the share of test rows.
        models: folder of each model under its role; None where there is none.
    """
    notes = []
    for role, folder in models.items():
        if folder is None:
            continue
        record = folder / "training.json"
        known = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
        share = known.get("test_percent")
        if share is None:
            notes.append(f"The {role} does not say which rows were frozen: it may know some now.")
        elif share < prepared["test_percent"]:
            notes.append(
                f"The {role} was trained when {share:g} % of the rows were frozen, now "
                f"{prepared['test_percent']:g} % are: it knows some of them."
            )
    return notes


def sample_request(test: pd.DataFrame, config: ModelConfig) -> dict[str, Any]:
    """A scoring request with a few frozen rows, for the smoke test of a deployment."""
    rows = test[list(config.features)].head(_SAMPLE_ROWS)
    return {"data": json.loads(rows.to_json(orient="records", date_format="iso"))}


def _contestant(folder: ModelFolder) -> Contestant:
    return Contestant(folder.load(), tuple(column.name for column in folder.columns))


def _keep_challenger(model: Path, folder: Path) -> None:
    target = folder / "challenger"
    target.mkdir(exist_ok=True)
    for name in ("MLmodel", "training.json"):
        if (model / name).is_file():
            shutil.copyfile(model / name, target / name)


def _profile_of(model: Path, prepared: Path, config: ModelConfig) -> tuple[Profile, Sequence[str]]:
    """The one made at its training, else one of the rows prepared here, and what to say of that.

    A version that a person registered brings none; one of an older release cannot be read.
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
    run.keep_file(folder / "report.html")


def _log_line(config: ModelConfig, comparison: Comparison) -> str:
    parts = [
        f"{pair.name} {pair.challenger:.4g}"
        + (f" against {pair.champion:.4g}" if pair.champion is not None else "")
        for pair in comparison.metrics
    ]
    return f"{config.name}: {', '.join(parts)} on {len(comparison.predictions)} frozen rows"


def _write_json(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
