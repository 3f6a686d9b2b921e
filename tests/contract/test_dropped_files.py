"""Files of the kinds that people report in public, where they lie beside the project."""

import shutil
from pathlib import Path

import pytest

from ml.data_tests.check import check_file
from ml.model_config import read_model
from shared.domain.landing import holds_no_data

CASES = Path(__file__).parents[3] / "shared" / "cases"
pytestmark = pytest.mark.skipif(
    not CASES.is_dir(), reason=f"the cases from the field are not beside the project ({CASES.name})"
)


@pytest.fixture
def check(tmp_path):
    def of(case: str, name: str):
        folder = tmp_path / _name_of(CASES / case / "model.yml")
        folder.mkdir(exist_ok=True)
        (folder / "pipeline.py").touch()
        shutil.copy(CASES / case / "model.yml", folder / "model.yml")
        path = CASES / case / name
        with path.open("rb") as source:
            return check_file(
                source,
                file=path.name,
                config=read_model(folder.name, tmp_path),
                size_bytes=path.stat().st_size,
                limit_bytes=None,
            )

    return of


def _name_of(model: Path) -> str:
    return model.read_text().partition("\n")[0].removeprefix("name: ")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("capitals.csv", "in upper and lower case only"),
        ("lfs-pointer.csv", "a Git LFS pointer"),
        ("no-header.csv", "looks like data"),
        ("old-sheet.xls.csv", "an Excel workbook"),
        ("sign-in-page.csv", "a web page"),
    ],
)
def test_each_first_line_is_named_for_what_it_is(check, name, said):
    assert said in check("first-lines", name).sentence


def test_spreadsheets_sep_line_is_read(check):
    assert check("first-lines", "sep-line.csv").sentence == "sep-line.csv: passed, 2 rows"


@pytest.mark.parametrize("name", ["comma-at-the-end.csv", "index-first.csv"])
def test_columns_without_a_name_are_ignored_where_extra_ones_are(check, name):
    assert check("nameless-column", name).sentence == f"{name}: passed, 2 rows"


def test_late_byte_is_named_by_its_row(check):
    report = check("late-byte", "last-row.csv")

    assert "in row 301; 300 rows were read before it" in report.sentence
    assert report.rows == 300


def test_of_an_export_only_its_parts_are_data_and_a_small_one_lacks_nothing_but_rows(check):
    folder = CASES / "export-markers" / "export"
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}

    parts = sorted(n for n, size in sizes.items() if not holds_no_data(f"exported/{n}", size))

    assert parts == ["part-00000-17.csv", "part-00001-17.csv"]
    whole, small = (check("export-markers", f"export/{name}") for name in parts)
    assert whole.passed
    assert [finding.test for finding in small.findings] == ["rows"]  # asked of both together
