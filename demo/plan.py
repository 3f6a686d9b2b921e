"""What the demo drops and scores: real rows of one data set, told apart by population.

One quarter of the rows, those highest in one feature, stands for "another population": they are
kept out of the first two files, arrive as scoring requests and land with labels afterwards.
"""

from __future__ import annotations

import csv
import io
import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from demo.failures import DemoDataError
from ml.errors import MlError
from ml.model_config import ModelConfig, read_model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# The feature that separates the other population, and how it is described.
_POPULATIONS = {
    "diabetes": ("age", "the oldest quarter of the patients"),
    "iris": ("SepalLengthCm", "the quarter of flowers with the longest sepals"),
    "marketing": ("Income", "the quarter of customers with the highest income"),
}
_OTHER_SHARE = 0.25
_FIRST_SHARE = 0.5
_BROKEN_SHARE = 0.2
_SEED = 20260101  # one fixed order, so that two runs can be compared


@dataclass(frozen=True, slots=True)
class DemoData:
    """Four files to drop and two lots of rows to score."""

    model: str
    first: bytes
    second: bytes
    broken: bytes
    labelled: bytes
    home_rows: Sequence[dict[str, Any]]
    other_rows: Sequence[dict[str, Any]]
    broken_column: str
    population: str
    counts: tuple[int, int, int]  # rows of first, second, labelled


def prepare(model: str, data: Path | None) -> DemoData:
    """Divide a model's data set into what arrives, in the order it arrives.

    Args:
        model: a folder under ml/models.
        data: a CSV file as the model's contract wants it; None for scikit-learn's bundled sets.

    Raises:
        DemoDataError: no such model or file, or what is in it cannot be divided.
    """
    try:
        config = read_model(model)
    except MlError as exc:
        raise DemoDataError(str(exc)) from exc
    rows = _read_csv(data, config) if data is not None else _bundled(model)
    column, population = _population(config)
    wanted = [name for name, contract in config.data.columns.items() if not contract.drop]
    missing = [name for name in wanted if rows and name not in rows[0]]
    if len(rows) < 4 * config.data.min_rows or missing:
        raise DemoDataError(
            f"{model}: {len(rows)} rows, at least {4 * config.data.min_rows} are needed; "
            f"columns missing: {', '.join(missing) or 'none'}"
        )
    _refuse_non_numbers(rows, config, data)
    shuffled = random.Random(_SEED).sample(rows, len(rows))  # noqa: S311 - an order, not a secret
    known = sorted(float(row[column]) for row in shuffled if row[column] != "")
    if not known or known[0] == known[-1]:
        raise DemoDataError(
            f"{model}: column {column} has fewer than two values; the demo tells two populations "
            "apart by it"
        )
    border = known[math.floor(len(known) * (1 - _OTHER_SHARE))]
    other = [row for row in shuffled if row[column] != "" and float(row[column]) >= border]
    home = [row for row in shuffled if row[column] == "" or float(row[column]) < border]
    cut = int(len(home) * _FIRST_SHARE)
    broken = [dict(row) for row in home[cut:]]
    for row in broken[: math.ceil(len(broken) * _BROKEN_SHARE)]:
        row[column] = ""
    return DemoData(
        model=model,
        first=_to_csv(home[:cut], config),
        second=_to_csv(home[cut:], config),
        broken=_to_csv(broken, config),
        labelled=_to_csv(other, config),
        home_rows=[_to_request(row, config) for row in home],
        other_rows=[_to_request(row, config) for row in other],
        broken_column=column,
        population=population,
        counts=(cut, len(home) - cut, len(other)),
    )


def _population(config: ModelConfig) -> tuple[str, str]:
    if config.name in _POPULATIONS:
        return _POPULATIONS[config.name]
    for name in config.features:
        if config.column(name).numeric:
            return name, f"the quarter of rows with the highest {name}"
    raise DemoDataError(f"{config.name} has no numeric feature to tell two populations apart by")


def _bundled(model: str) -> list[dict[str, str]]:
    from sklearn import datasets  # noqa: PLC0415 - a second of import, for two of three models

    if model == "diabetes":
        frame = datasets.load_diabetes(as_frame=True, scaled=False).frame
        frame["sex"] = frame["sex"].astype(int)
    elif model == "iris":
        bunch = datasets.load_iris(as_frame=True)
        frame = bunch.data.set_axis(
            ["SepalLengthCm", "SepalWidthCm", "PetalLengthCm", "PetalWidthCm"], axis="columns"
        )
        frame["Species"] = [f"Iris-{bunch.target_names[code]}" for code in bunch.target]
    else:
        raise DemoDataError(
            f"scikit-learn bundles no data for {model}; name a file: "
            f"make demo MODEL={model} DATA=file.csv"
        )
    text = frame.to_csv(index=False)
    return list(csv.DictReader(io.StringIO(text)))


def _read_csv(path: Path, config: ModelConfig) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter=config.data.separator, strict=True)
            return [_whole(row, path, line=reader.line_num) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise DemoDataError(f"cannot read {path}: {exc}") from exc


def _whole(row: dict[str | Any, str | Any], path: Path, *, line: int) -> dict[str, str]:
    # The reader keeps surplus fields under the key None, and fills missing ones with None.
    if None in row or None in row.values():
        raise DemoDataError(f"{path}, line {line}: more or fewer fields than the header has")
    return row


def _refuse_non_numbers(
    rows: Sequence[dict[str, str]], config: ModelConfig, path: Path | None
) -> None:
    numeric = [name for name in config.features if config.column(name).numeric]
    for number, row in enumerate(rows, start=1):
        for name in numeric:
            if row[name] != "" and not _is_number(row[name]):
                raise DemoDataError(
                    f"{path}, row {number}: {name} is {row[name]!r}, which is not a finite number"
                )


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _to_csv(rows: Sequence[dict[str, str]], config: ModelConfig) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, fieldnames=list(rows[0]), delimiter=config.data.separator)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def _to_request(row: dict[str, str], config: ModelConfig) -> dict[str, Any]:
    names = ([config.id] if config.id else []) + list(config.features)
    return {name: _typed(row[name], config.column(name).type) for name in names}


def _typed(text: str, kind: str) -> float | int | str | None:
    if text == "":
        return None
    if kind == "number":
        return float(text)
    if kind == "integer":
        return int(float(text))
    return text
