"""A finding says what to write; written as it says, the same file passes."""

import io
import re

import pytest

from ml.data_tests.check import check_file
from ml.model_config import read_model

_MODEL = """\
name: clients
task: classification
target: income
data:
  min_rows: 1
  columns:
    age: {type: integer, min: 0}
    job: {type: category, values: [clerk, smith]}
    income: {type: category, values: ["<=50K", ">50K"]}
gate:
  floors: {accuracy: 0.3}
"""
_SETTINGS = re.compile(r"write ((?:missing|max_missing_percent): .*) at data\.columns\.(\w+) in")


@pytest.fixture
def check(tmp_path):
    folder = tmp_path / "clients"
    folder.mkdir()
    (folder / "pipeline.py").touch()

    def of(content: str | bytes, model: str = _MODEL):
        (folder / "model.yml").write_text(model)
        data = content.encode() if isinstance(content, str) else content
        return check_file(
            io.BytesIO(data),
            file="clients.csv",
            config=read_model("clients", tmp_path),
            size_bytes=len(data),
            limit_bytes=None,
        )

    return of


def followed(remedy: str) -> str:
    """The model with the settings that a remedy names."""
    settings, column = _SETTINGS.search(remedy).groups()
    return _MODEL.replace(f"{column}: {{", f"{column}: {{{settings.replace(' and ', ', ')}, ")


@pytest.mark.parametrize(
    ("lines", "written"),
    [
        (["?, clerk, <=50K"], 'missing: ["?"] and max_missing_percent: 34'),
        (["-9, clerk, <=50K"], 'missing: ["-9"] and max_missing_percent: 34'),
        (["5, unknown, <=50K"], 'missing: ["unknown"] and max_missing_percent: 34'),
        ([", clerk, <=50K"], "max_missing_percent: 34"),
    ],
)
def test_settings_that_a_remedy_names_let_the_file_pass(check, lines, written):
    file = "\n".join(["age, job, income", "7, smith, >50K", "8, clerk, >50K", *lines])

    [finding] = check(file).findings

    assert f"write {written} at data.columns." in finding.remedy
    assert check(file, followed(finding.remedy)).passed


def test_mark_that_may_be_an_answer_is_offered_as_a_value_too(check):
    [finding] = check("age,job,income\n5,unknown,>50K\n6,smith,>50K\n").findings

    assert finding.remedy.endswith("if it is an answer of its own, add it to the column's values")


def test_other_spelling_is_told_with_the_nearest_value_and_never_as_a_value_to_add(check):
    [finding] = check("age,job,income\n5,smith,>50K.\n6,smith,<=50K.\n7,clerk,>50K.\n").findings

    assert '2 differ in spaces or punctuation only from ">50K"' in finding.value
    assert '1 differ in spaces or punctuation only from "<=50K"' in finding.value
    assert "do not list both" in finding.remedy


def test_file_without_names_is_recognised_with_spaces_after_commas_and_marks(check):
    model = _MODEL.replace("smith]", "smith], max_missing_percent: 100")

    [finding] = check("5, smith, >50K\n6, NA, <=50K\n", model).findings
    [other] = check("6, NA, <=50K\n5, smith, >50K\n", model).findings

    assert "the first line looks like data" in finding.value
    assert "the first line looks like data" in other.value


def test_lines_of_separators_alone_are_no_rows(check):
    report = check("age,job,income\n5,smith,>50K\n6,clerk,<=50K\n,,\n,,\n\n")

    assert report.sentence == "clients.csv: passed, 2 rows"


@pytest.mark.parametrize(
    ("dates", "written"),
    [
        (("31.12.2025 23:45", "01.02.2026 00:00"), 'write format: "%d.%m.%Y %H:%M" at'),
        (("12/31/2025", "02/01/2026"), 'write format: "%m/%d/%Y" at'),
        (("2025-12-31T10:00:00Z", "2026-02-01T00:00:00+01:00"), 'format: "%Y-%m-%dT%H:%M:%S%z" at'),
        (("03/04/2025", "02/01/2026"), '"%d/%m/%Y" or format: "%m/%d/%Y" at'),
        (("31.12.2025", "tomorrow"), "write every date as the column's format in model.yml says"),
    ],
)
def test_date_format_that_reads_every_cell_is_named(check, dates, written):
    model = _MODEL.replace("columns:", "columns:\n    day: {type: date, FORMAT}")
    file = "\n".join(f"{day},5,smith,>50K" for day in dates)

    [finding] = check(f"day,age,job,income\n{file}\n", model.replace(", FORMAT", "")).findings

    assert written in finding.remedy
    for form in re.findall(r'format: "([^"]+)"', finding.remedy):
        told = model.replace("FORMAT", f'format: "{form}"')
        assert check(f"day,age,job,income\n{file}\n", told).passed


@pytest.mark.parametrize("codec", ["windows-1252", "latin-1"])
def test_text_of_one_byte_each_is_read_where_the_model_states_its_encoding(check, codec):
    file = "age,job,income\n5,Bürger,>50K\n6,Schmied,<=50K\n"
    words = _MODEL.replace("clerk, smith", "Bürger, Schmied")
    stated = words.replace("min_rows: 1", f"min_rows: 1\n  encoding: {codec}")

    [refused] = check(file.encode(codec), words).findings
    [changed] = check(file, stated).findings

    assert "set data.encoding: windows-1252 in model.yml" in refused.remedy
    assert check(file.encode(codec), stated).passed
    assert check(file.encode("utf-8-sig"), stated).passed
    assert changed.value == "the text is UTF-8"
    assert check(file, words).passed
