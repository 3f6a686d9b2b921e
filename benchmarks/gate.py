"""What the baseline asks of useful and useless models, and which features are named as leaks.

Useless models are the same models fitted on shuffled labels. Leaks are planted into every table.
Tables: scikit-learn's, made-up ones, and those of ../shared/data where they are. The last line is
one JSON object.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ml.evaluation.baseline import baseline_of  # noqa: E402 - after the path is set
from ml.evaluation.leaks import leaks  # noqa: E402 - same
from ml.metrics import score  # noqa: E402 - same

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARED = ROOT.parent / "shared" / "data"
ROWS, DRAWS = 3_000, 4
METRICS = ("accuracy", "f1", "balanced_accuracy", "f1_macro")
RULES = {
    "accuracy alone": lambda beats: beats["accuracy"],
    "accuracy and F1, both": lambda beats: beats["accuracy"] and beats["f1"],
    "accuracy and F1, F1 asked": lambda beats: beats["f1"],
    "accuracy and balanced accuracy, both": lambda beats: (
        beats["accuracy"] and beats["balanced_accuracy"]
    ),
    "accuracy and balanced accuracy, the latter asked": lambda beats: beats["balanced_accuracy"],
    "accuracy and F1 (macro), the latter asked": lambda beats: beats["f1_macro"],
}
MODELS = (
    lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)),
    lambda: make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=300, class_weight="balanced")
    ),
    lambda: RandomForestClassifier(60, min_samples_leaf=2, random_state=0),
    lambda: RandomForestClassifier(60, min_samples_leaf=2, class_weight="balanced", random_state=0),
    lambda: DecisionTreeClassifier(max_depth=6, random_state=0),
    GaussianNB,
)


def main() -> None:
    """Print a table for each claim, then one JSON object."""
    shares = baseline_rules()
    print(f"{'metrics and rule':50}{'useful':>8}{'useless':>9}")
    for rule, (useful, useless) in shares.items():
        print(f"{rule:50}{useful:8.2f}{useless:9.2f}")
    named = {name: [leak.column for leak in found_in(*table)] for name, table in tables()}
    print(f"\n{'table':16}columns named")
    for name, columns in named.items():
        print(f"{name:16}{', '.join(columns) or '-'}")
    found, tried = planted()
    print(f"\n{'planted':24}found of tried")
    for kind in tried:
        print(f"{kind:24}{found[kind]}/{tried[kind]}")
    print(
        json.dumps(
            {
                "passes": {rule: [round(s, 3) for s in both] for rule, both in shares.items()},
                "named": {name: columns for name, columns in named.items() if columns},
                "planted": {kind: [found[kind], tried[kind]] for kind in tried},
            }
        )
    )


def baseline_rules() -> dict[str, tuple[float, float]]:
    """Share of useful and of useless models that pass, by rule."""
    passed: dict[str, list[list[bool]]] = {rule: [[], []] for rule in RULES}
    for features, target in binary_tables():
        draw = np.random.default_rng(0)
        for _ in range(DRAWS):
            rows = draw.permutation(len(target))[:ROWS]
            train, test = rows[len(rows) // 5 :], rows[: len(rows) // 5]
            for make in MODELS:
                for useless in (False, True):
                    labels = target[train]
                    fitted = make().fit(
                        features[train], draw.permutation(labels) if useless else labels
                    )
                    beats = beaten(target[test], fitted.predict(features[test]), labels)
                    for rule, asked in RULES.items():
                        passed[rule][useless].append(asked(beats))
    return {
        rule: (float(np.mean(useful)), float(np.mean(useless)))
        for rule, (useful, useless) in passed.items()
    }


def beaten(true: Any, predicted: Any, learnt: Any) -> dict[str, bool]:
    """Whether predictions beat the best constant answer, by metric."""
    gate = SimpleNamespace(beat_baseline=True)
    config: Any = SimpleNamespace(positive="1", metrics=METRICS, gate=gate)
    values = score(METRICS, true, predicted, positive="1")
    constants = {
        name: baseline_of(name, learnt=pd.Series(learnt), true=pd.Series(true), config=config)
        for name in METRICS
    }
    return {
        name: constant is None or values[name] > constant.value
        for name, constant in constants.items()
    }


def binary_tables() -> Iterator[tuple[Any, Any]]:
    """Features and a target of 0 and 1."""
    cancer = datasets.load_breast_cancer()
    yield cancer.data, (cancer.target == 0).astype(int)
    for share in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5):
        yield datasets.make_classification(
            12_000,
            15,
            n_informative=5,
            weights=[1 - share],
            flip_y=min(0.01, share / 10),
            class_sep=0.8,
            random_state=1,
        )
    path = SHARED / "marketing_campaign" / "marketing_campaign.csv"
    if path.is_file():
        table = pd.read_csv(path, sep=";", encoding="utf-8-sig")
        numbers = table.select_dtypes("number").drop(columns=["ID", "Response"]).fillna(0)
        yield numbers.to_numpy(), table["Response"].to_numpy()


def tables() -> Iterator[tuple[str, tuple[pd.DataFrame, str]]]:
    """Name, rows and target of each table; classes are text."""
    for name in ("breast_cancer", "iris", "wine", "digits", "diabetes"):
        table = getattr(datasets, f"load_{name}")(as_frame=True).frame
        yield name, (table if name == "diabetes" else table.astype({"target": str}), "target")
    for name, file, target, separator in (
        ("marketing", "marketing_campaign/marketing_campaign.csv", "Response", ";"),
        ("elec2", "elec2/electricity.csv.gz", "class", ","),
        ("bike sharing", "bike_sharing/hour.csv.gz", "cnt", ","),
        ("Iris.csv", "iris/Iris.csv", "Species", ","),
    ):
        if (SHARED / file).is_file():
            table = pd.read_csv(SHARED / file, sep=separator, encoding="utf-8-sig")
            yield name, (table if target == "cnt" else table.astype({target: str}), target)


def found_in(table: pd.DataFrame, target: str) -> list[Any]:
    """Leaks among all columns of a table."""
    features = tuple(name for name in table if name != target)
    task = "regression" if table[target].dtype.kind in "if" else "classification"
    config: Any = SimpleNamespace(target=target, features=features, task=task)
    return leaks(table, config)


def planted() -> tuple[Counter[str], Counter[str]]:
    """How often each kind of leak is found, and how often it was tried."""
    found: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    for seed in range(DRAWS):
        draw = np.random.default_rng(seed)
        for _, (table, target) in tables():
            values = table[target].reset_index(drop=True)
            columns = plants(values, draw)
            named = {leak.column for leak in found_in(columns.assign(label=values), "label")}
            tried.update(columns)
            found.update(named)
    return found, tried


def plants(values: pd.Series, draw: np.random.Generator) -> pd.DataFrame:
    """A column of each kind that can be planted beside this target."""
    rows = len(values)
    more: dict[str, Any] = {
        "sorted id": values.rank(method="first"),
        "random id": draw.permutation(rows),
    }
    if values.dtype.kind in "if":
        more |= {"other units": values * 2.54 + 7}
        more |= {
            f"noise of {noise:.0%}": values + draw.normal(0, noise * values.std(), rows)
            for noise in (0.05, 0.1, 0.2, 0.3)
        }
        return pd.DataFrame(more)
    codes = pd.Series(pd.factorize(values)[0].astype(float))
    rare = (values != values.mode()[0]).to_numpy()
    more |= {"copy": codes}
    for share in (0.01, 0.02, 0.05):
        wrong = draw.random(rows) < share * rare.mean()
        more[f"{share:.0%} flipped"] = np.where(wrong, draw.permutation(codes), codes)
    if values.nunique() == 2:  # noqa: PLR2004 - positive or not
        more["only for positives"] = np.where(rare, draw.random(rows), np.nan)
    more["score, noise of 1/6"] = codes * 3 + draw.normal(0, 0.5, rows)
    more["score, noise of 1/3"] = codes * 3 + draw.normal(0, 1.0, rows)
    return pd.DataFrame(more)


if __name__ == "__main__":
    main()
