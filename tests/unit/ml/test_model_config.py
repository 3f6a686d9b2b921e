from dataclasses import asdict
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from ml.errors import ModelConfigError, UnknownModelError
from ml.model_config import (
    MODELS,
    PerformanceSettings,
    available_models,
    read_all,
    read_model,
)

GOOD = """\
name: houses
task: regression
target: price
time: sold
data:
  columns:
    size: {type: number, min: 1, max: 1000}
    kind: {type: category, values: [flat, house]}
    sold: {type: date}
    note: {type: text}
    price: {type: number, min: 0}
gate:
  floors: {r2: 0.2, mae: 50000}
retrain:
  cooldown: 12h
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = tmp_path / "houses"
    model.mkdir()
    (model / "model.yml").write_text(GOOD)
    (model / "pipeline.py").write_text("def build(params): ...\n")
    return model


def problems_of(folder: Path, text: str) -> list[str]:
    (folder / "model.yml").write_text(text)
    with pytest.raises(ModelConfigError) as caught:
        read_model("houses", folder.parent)
    return [line.removeprefix(f"{folder / 'model.yml'}:") for line in caught.value.problems]


def test_shipped_models_are_valid():
    names = {config.name for config in read_all()}

    assert names == set(available_models()) == {"diabetes", "iris", "marketing"}


def test_omitted_settings_take_their_defaults(folder):
    config = read_model("houses", folder.parent)

    assert config.features == ("size", "kind")
    assert config.metrics == ("r2", "mae")
    assert config.gate.floors == {"r2": 0.2, "mae": 50_000}
    assert config.retrain.cooldown == timedelta(hours=12)
    assert config.training.window == "cumulative"
    assert config.drift.window_days == 1
    assert config.drift.false_alarms_per_year == 1
    assert (config.drift.smallest_effect, config.drift.smallest_share) == (0.05, 0.01)
    assert (config.drift.min_rows, config.drift.late_days) == (200, 3)
    assert (config.drift.without_labels, config.drift.performance) == ("retrain", None)
    assert config.column("kind").categories == ("flat", "house")
    assert not config.column("kind").numeric
    assert config.column("sold").date_format == "%Y-%m-%d"


def test_drift_section_is_read(folder):
    (folder / "model.yml").write_text(
        GOOD + "id: note\ndrift:\n  window_days: 7\n  false_alarms_per_year: 0.5\n"
        "  late_days: 0\n  without_labels: alert\n  performance: {metric: mae, margin: 2.5}\n"
    )

    drift = read_model("houses", folder.parent).drift

    assert (drift.window_days, drift.false_alarms_per_year, drift.late_days) == (7, 0.5, 0)
    assert drift.without_labels == "alert"
    assert drift.performance == PerformanceSettings(metric="mae", margin=2.5, days=30)


def test_drift_guide_shows_every_setting_with_its_default(folder):
    guide = (MODELS.parents[1] / "docs" / "drift.md").read_text(encoding="utf-8")
    shown = yaml.safe_load(guide.split("```yaml")[1].split("```")[0])["drift"]

    drift = asdict(read_model("houses", folder.parent).drift)

    assert PerformanceSettings(**shown.pop("performance")).days == 30
    assert shown == {name: value for name, value in drift.items() if name != "performance"}


def test_every_mistake_is_reported_at_once_with_line_and_remedy(folder):
    text = (
        GOOD.replace("task: regression", "task: regresion")
        .replace("target: price", "target: prise")
        .replace("max: 1000", "max: 0.5")
        .replace("r2: 0.2", "r3: 0.2")
        .replace("cooldown: 12h", "cooldown: soon\n  cooldwon: 1h")
        + "drift:\n  false_alarms_per_year: -1\n  min_rows: many\n"
    )

    found = problems_of(folder, text)

    assert [line.split("  ")[0] for line in found] == ["2", "3", "7", "13", "15", "16", "18", "19"]
    for line, part in zip(
        found,
        [
            "task: 'regresion' is not known; write one of classification, regression. Did you mean",
            "target: 'prise' is not under data.columns; add it there. Did you mean price?",
            "data.columns.size.max: 0.5 is not above min 1; swap or widen them",
            "gate.floors.r3: is not a metric; write one of accuracy,",
            "retrain.cooldown: 'soon' is not a duration; write e.g. 90s, 10m, 12h or 7d",
            "retrain.cooldwon: is not known here; remove it. Did you mean cooldown?",
            "drift.false_alarms_per_year: -1 is below 0.01; write e.g. 1",
            "drift.min_rows: 'many' is not a whole number; write e.g. 10",
        ],
        strict=True,
    ):
        assert part in line


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("name: houses", "name: homes", "'homes' is not the folder's name; write houses"),
        ("target: price", "target: kind", "is of type category; a regression needs a number"),
        ("time: sold", "time: size", "is of type number; a time column needs type date"),
        ("{type: date}", "{type: date, min: 3}", "does not fit type date"),
        ("[flat, house]", "[flat, flat]", "names a value twice"),
        ("  floors: {r2: 0.2, mae: 50000}", "  floors: {}", "names no metric"),
        ("retrain:", "retrain:\n  reasons: [data, moon]", "'moon' is not known"),
        ("gate:", "training: {window: sliding}\ngate:", "a sliding window needs its length"),
        ("gate:", "training: {test_percent: 80}\ngate:", "80 is above 50"),
        ("gate:", "features: [size, nota]\ngate:", "'nota' is not a column a model can learn"),
        ("gate:", "retrain: {}\ngate:", "is written twice, first in line"),
        ("  columns:", "  separator: ab\n  columns:", "is not one character"),
        ("    note:", "    prediction:", "is what predictions are collected as; rename"),
        (
            "gate:",
            "drift: {late_day: 2}\ngate:",
            "is not known here; remove it. Did you mean late_days",
        ),
        ("gate:", "drift: {without_labels: wait}\ngate:", "write one of retrain, alert"),
        ("gate:", "drift: {false_alarms_per_year: 400}\ngate:", "400 is above 365"),
        (
            "gate:",
            "drift: {performance: {metric: mae, margin: 5}}\ngate:",
            "drift.performance: needs ids to join labels by; name a column at `id`",
        ),
        (
            "gate:",
            "id: note\ndrift: {performance: {metric: accuracy, margin: 0.1}}\ngate:",
            "drift.performance.metric: accuracy does not fit a regression; write mae",
        ),
        (
            "gate:",
            "id: note\ndrift: {performance: {metric: mae}}\ngate:",
            "drift.performance.margin: is missing; add it",
        ),
        (
            "gate:\n  floors: {r2: 0.2, mae: 50000}",
            "id: note\ndrift: {performance: {metric: mae, margin: 5}}\ngate:\n  floors: {r2: 0.2}",
            "mae is not measured when a model is chosen; add it to gate.floors",
        ),
    ],
)
def test_one_mistake_gives_one_problem(folder, old, new, said):
    found = problems_of(folder, GOOD.replace(old, new))

    assert len(found) == 1
    assert said in found[0]


@pytest.mark.parametrize("text", ["a: [1\nb: 2", "\t- x", "a: b: c"])
def test_text_that_is_not_yaml_is_refused(folder, text):
    found = problems_of(folder, text)

    assert len(found) == 1
    assert "check indentation" in found[0]


def test_empty_file_lists_everything_that_is_missing(folder):
    found = "\n".join(problems_of(folder, ""))

    for key in ("name", "task", "target", "data", "gate"):
        assert f"{key}: is missing; add it" in found


def test_model_without_pipeline_py_is_refused(folder):
    (folder / "pipeline.py").unlink()

    with pytest.raises(ModelConfigError, match=r"pipeline\.py is missing"):
        read_model("houses", folder.parent)


def test_unknown_model_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownModelError, match="Did you mean diabetes"):
        read_model("diabtes")


def test_hash_changes_with_settings_and_code_but_not_with_comments_or_line_ends(folder):
    first = read_model("houses", folder.parent).config_sha256

    (folder / "model.yml").write_text("# a comment\n" + GOOD)
    assert read_model("houses", folder.parent).config_sha256 == first

    (folder / "pipeline.py").write_bytes(b"def build(params): ...\r\n")
    assert read_model("houses", folder.parent).config_sha256 == first

    (folder / "model.yml").write_text(GOOD.replace("12h", "13h"))
    assert read_model("houses", folder.parent).config_sha256 != first

    (folder / "model.yml").write_text(GOOD)
    (folder / "pipeline.py").write_text("def build(params): return 1\n")
    assert read_model("houses", folder.parent).config_sha256 != first


PARAMS = "training:\n  params: "


@pytest.mark.parametrize(
    ("change", "said"),
    [
        # dates
        (("{type: date}", "{type: date, format: YYYY-DD}"), "'%Y-%d' names a day and no month"),
        (("{type: date}", '{type: date, format: "%H:%M"}'), "'%H:%M' does not say where the year"),
        (
            ("{type: date}", "{type: date, format: mixed}"),
            "is not a part of a date; write e.g. YYYY-MM-DD",
        ),
        (("{type: date}", '{type: date, format: "%Y-%M-%d"}'), "write %m for it (%M are minutes)"),
        # training parameters
        (("gate:", f"{PARAMS}{{random_state: 3}}\ngate:"), "is set from training.seed; remove it"),
        (("gate:", f"{PARAMS}{{n_jobs: -1}}\ngate:"), "is always 1, since other steps run beside"),
        (("gate:", f"{PARAMS}{{alpha: 1, alpha: 2}}\ngate:"), "params.alpha: is written twice"),
        (("gate:", f"{PARAMS}{{a: {{b: 1, b: 2}}}}\ngate:"), "params.a.b: is written twice"),
        # ranges
        (
            ("type: category, values: [flat, house]", "type: integer, max: 5, values: [1, 7]"),
            "data.columns.kind.values: 7 lies outside min and max; remove it, or widen them",
        ),
        (("{type: number, min: 0}", "{type: number, min: 3, max: 3}"), "3 is not above min 3"),
        (("gate:", "drift: {window_days: 99999999999}\ngate:"), "99999999999 is above 3650"),
        (
            ("gate:", "training: {window: sliding, window_days: 9999}\ngate:"),
            "training.window_days: 9999 is above 3650",
        ),
        (("gate:", "training: {seed: 4294967296}\ngate:"), "4294967296 is above 4294967295"),
        # what would never be looked at
        (("data:", 'data:\n  format: parquet\n  separator: ";"'), "has no meaning in Parquet"),
        (("[flat, house]", "[]"), "data.columns.kind.values: lists no value; name each, or remove"),
        (("gate:", "features: []\ngate:"), "features: lists no column; name some, or remove it"),
        (("gate:", "features: [size, size]\ngate:"), "features: 'size' is listed twice; keep one"),
        (("{type: date}", "{type: date, drop: true}"), "time: is dropped under data.columns"),
        (("note: {type: text}", "note: {type: text, minimum: 2}"), "is not known here; remove it"),
        (("note: {type: text}", "note: {type: text, name: x}"), "is not known here; remove it"),
        (("name: houses", "name: houses\nconfig_sha256: x"), "is not known here; remove it"),
    ],
)
def test_setting_without_effect_is_refused(folder, change, said):
    found = problems_of(folder, GOOD.replace(*change, 1))

    assert len(found) == 1
    assert said in found[0]


def test_id_that_is_the_target_or_is_dropped_is_refused(folder):
    whole = GOOD.replace("price: {type: number", "price: {type: integer")

    assert "is the target as well" in problems_of(folder, whole + "id: price\n")[0]
    dropped = GOOD.replace("{type: text}", "{type: text, drop: true}") + "id: note\n"
    assert "id: is dropped under data.columns" in problems_of(folder, dropped)[0]


@pytest.mark.parametrize(
    "form",
    ["ISO8601", "%d.%m.%y", "%m/%Y", "%Y-%m-%dT%H:%M:%S.%f%z", "%a %d %b %Y %Z", "%G-W%V-%u"],
)
def test_date_format_with_a_year_is_accepted(folder, form):
    column = f'{{type: date, format: "{form}"}}'
    (folder / "model.yml").write_text(GOOD.replace("{type: date}", column))

    assert read_model("houses", folder.parent).column("sold").date_format == form


def test_values_and_names_are_not_reinterpreted_by_yaml(folder):
    """YAML reads `no` as false and 1.50 as 1.5; the data contain the text as written."""
    (folder / "model.yml").write_text(
        GOOD.replace("[flat, house]", "[yes, no, 1.50, 2026-01-02]").replace("note:", "on:")
        + "id: on\n"
    )

    config = read_model("houses", folder.parent)

    assert config.column("kind").categories == ("yes", "no", "1.50", "2026-01-02")
    assert config.id == "on"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("time: sold", "id: size"), "4  id: is of type number; an id is of type integer or text"),
        (("min: 1,", "min: !!int abc,"), "7  YAML: abc cannot be read as int: "),
        (("[flat, house]", "[2026-99-99]"), "8  YAML: 2026-99-99 cannot be read as timestamp: "),
        (("cooldown: 12h", "cooldown: 9999999999d"), "15  retrain.cooldown: 9999999999d is longer"),
        (("data:", 'data:\n  separator: "\\n"'), "6  data.separator: '\\n' stands inside values"),
        (("data:", "data:\n  separator: e"), "6  data.separator: 'e' stands inside values"),
        (("{type: date}", '{type: date, format: "%Q"}'), "9  data.columns.sold.format: 'Q' is a"),
        (
            ("type: category, values: [flat, house]", "type: integer, values: [1, b]"),
            "8  data.columns.kind.values: are not whole numbers",
        ),
        (("  columns:", "\tcolumns:"), "6  YAML: found character '\\t'"),
        (("houses", "hou\x07ses"), "1  YAML: character U+0007 may not stand here; remove it"),
        (("gate:", "gate: *nowhere\nx:"), "12  YAML: found undefined alias 'nowhere'"),
        (("gate:", "gate: &gate [*gate]\nx:"), "1  YAML: is nested too deeply, or an alias"),
        (("gate:", "x: " + "[" * 600 + "]" * 600 + "\ngate:"), "1  YAML: is nested too deeply"),
        (("gate:", "# " + "x" * 1_000_000 + "\ngate:"), "1  YAML: 1,000,"),
        (
            ("{type: date}", "{type: date, format: [a]}"),
            "9  data.columns.sold.format: is a list or",
        ),
        (("[flat, house]", "[flat, null]"), "8  data.columns.kind.values: has an empty entry"),
        (("gate:", "training: {params: {1: 2}}\ngate:"), "12  training.params: 1 is not a text"),
        (("gate:", "training: {params: [alpha]}\ngate:"), "12  training.params: is not a mapping"),
        (("gate:", "training: {seed: [1]}\ngate:"), "12  training.seed: is a list or mapping"),
        (("gate:", "rollout: {soak: {a: 1}}\ngate:"), "12  rollout.soak: is a list or mapping"),
        (("gate:", "rollout: soon\ngate:"), "12  rollout: is not a mapping"),
        (("gate:", "features: size\ngate:"), "12  features: is not a list of plain values"),
        (
            ("gate:", "drift: {late_days: .nan}\ngate:"),
            "12  drift.late_days: '.nan' is not a whole",
        ),
        (("r2: 0.2", "r2: .inf"), "13  gate.floors.r2: '.inf' is not a number"),
        (
            ("12h", "12h\n  drift_overrides_cooldown: maybe"),
            "16  retrain.drift_overrides_cooldown: 'm",
        ),
    ],
)
def test_invalid_value_is_refused_with_its_line(folder, change, said):
    found = problems_of(folder, GOOD.replace(*change, 1))

    assert len(found) == 1
    assert found[0].startswith(said)


def test_yaml_alias_bomb_is_refused_without_expanding_it(folder):
    bomb = "    a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"    {name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
        for before, name in pairwise("abcdefghij")
    )

    assert problems_of(folder, f"{GOOD}training:\n  params:\n{bomb}") == [
        "1  YAML: more than 10,000 values once its aliases are unfolded; write fewer"
    ]


def test_bytes_that_are_not_utf_8_are_refused_with_their_line(folder):
    (folder / "model.yml").write_bytes(GOOD.replace("note", "n\xf6te").encode("latin-1"))

    with pytest.raises(ModelConfigError, match=r"model\.yml:10  YAML: bytes that are not UTF-8"):
        read_model("houses", folder.parent)


CLASSES = """\
name: houses
task: classification
target: sale
data:
  columns:
    size: {type: number}
    sale: {type: category, values: [fraud, fair]}
gate:
  floors: {accuracy: 0.5}
"""


@pytest.mark.parametrize(
    ("values", "positive", "said"),
    [
        ("[fraud, fair]", None, "9  gate.floors.f1: is about one class and `positive` names none"),
        ("[fraud, fair]", "fruad", "'fruad' is not a value of sale; write one of fraud, fair"),
        ("[0, 1, 2]", None, "write `positive: 2`, or another of 0, 1, 2, at the top of the file"),
    ],
)
def test_class_that_f1_is_about_is_asked_for(folder, values, positive, said):
    text = CLASSES.replace("[fraud, fair]", values).replace("0.5}", "0.5, f1: 0.2}")
    named = f"positive: {positive}\n" if positive else ""

    (problem,) = problems_of(folder, text + named)

    assert said in problem


@pytest.mark.parametrize(
    ("kind", "values", "written", "positive"),
    [
        ("integer", "[0, 1]", "", "1"),
        ("integer", "[0, 1]", "positive: 0\n", "0"),
        ("integer", "[1, 2]", "positive: 2\n", "2"),
        ("category", "[yes, no]", "positive: no\n", "no"),
        ("category", "[yes, no]", "", None),
    ],
)
def test_positive_class_is_read_as_it_is_written(folder, kind, values, written, positive):
    text = CLASSES.replace("category", kind).replace("[fraud, fair]", values)
    floors = "0.5, f1: 0.2}" if positive else "0.5}"
    (folder / "model.yml").write_text(text.replace("0.5}", floors) + written)

    assert read_model("houses", folder.parent).positive == positive


def test_regression_has_no_positive_class(folder):
    (problem,) = problems_of(folder, GOOD + "positive: 3\n")

    assert "positive: has no meaning in a regression; remove it" in problem


@pytest.mark.parametrize(
    ("readable", "form"),
    [
        ("YYYY-MM-DD", "%Y-%m-%d"),
        ("DD.MM.YYYY HH:mm", "%d.%m.%Y %H:%M"),
        ("dd/mm/yyyy hh:MM:SS", "%d/%m/%Y %H:%M:%S"),
        ("YYYYMMDDTHHmm", "%Y%m%dT%H%M"),
        ("D MMM YY", "%d %b %y"),
    ],
)
def test_readable_date_form_is_that_of_strftime(folder, readable, form):
    column = f'{{type: date, format: "{readable}"}}'
    (folder / "model.yml").write_text(GOOD.replace("{type: date}", column))

    assert read_model("houses", folder.parent).column("sold").date_format == form


@pytest.mark.parametrize("name", ["No", "0", "on", "~", "null", "01", "1.10", "2026-01-02"])
def test_column_may_have_any_name_that_yaml_takes_for_something_else(folder, name):
    (folder / "model.yml").write_text(GOOD.replace("note:", f"{name}:"))

    assert name in read_model("houses", folder.parent).data.columns


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("[flat, house]", "[flat, =]"), "8  data.columns.kind.values: = is a sign of YAML's"),
        (("note:", "<<:"), "data.columns.<<: << is a sign of YAML's that is not read here; put it"),
        (
            ("{type: text}", "{type: text}\n    1: {type: text}\n    1.0: {type: text}"),
            "put both in",
        ),
        (("[flat, house]", "[flat, ' flat']"), "names a value twice"),
        (("[flat, house]", "[flat, ' ']"), "lists a blank, which always means missing"),
        (("[flat, house]", "[flat, x], missing: [x]"), "'x' is listed in values too"),
        (("{type: text}", '{type: text, decimal: ","}'), "does not fit type text; it belongs to"),
        (("data:", 'data:\n  decimal: ","\n  thousands: ","'), "',' is the decimal sign as well"),
        (("{type: date}", "{type: date, from: [Day]}"), "names fewer than 2 columns"),
        (("{type: text}", "{type: text, from: [a, b]}"), "only dates are joined"),
    ],
)
def test_notation_that_cannot_be_meant_is_refused(folder, change, said):
    assert any(said in line for line in problems_of(folder, GOOD.replace(*change, 1)))


def test_values_that_yaml_takes_for_the_same_have_hashes_of_their_own(folder):
    hashes = set()
    for values in ("[01, 2]", "[1, 2]", "[yes, no]", "[true, false]", "[1.1, 2]", "[1.10, 2]"):
        (folder / "model.yml").write_text(GOOD.replace("[flat, house]", values))
        hashes.add(read_model("houses", folder.parent).config_sha256)

    assert len(hashes) == 6


def test_words_and_signs_of_the_file_hold_for_columns_that_state_none(folder):
    text = GOOD.replace("data:", 'data:\n  missing: ["?", flat]\n  decimal: ","').replace(
        "{type: number, min: 1", '{type: number, missing: ["-200"], decimal: ".", min: 1'
    )
    (folder / "model.yml").write_text(text)

    config = read_model("houses", folder.parent)

    assert config.column("size").missing == ("-200", "?", "flat")
    assert (config.column("size").decimal, config.column("price").decimal) == (".", ",")
    assert config.column("kind").missing == ("?",)  # it lists flat as a value
