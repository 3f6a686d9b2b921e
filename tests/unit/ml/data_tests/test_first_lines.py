"""What people drop instead of a clean CSV file: read where that is safe, else named."""

import gzip
import io
import pickle
import zipfile

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.data_tests import csv_file, text_lines, unpacked
from ml.data_tests.check import check_file
from ml.data_tests.raw_file import UnreadableFile
from ml.data_tests.reading import open_file
from ml.model_config import read_model

MODEL = """\
name: boats
task: classification
target: sold
data:
  min_rows: 2
  max_duplicate_rows_percent: 100
  extra_columns: EXTRA
  columns:
    length: {type: number}
    built: {type: integer}
    port: {type: text}
    sold: {type: category, values: ["yes", "no"]}
gate:
  floors: {accuracy: 0.3}
"""
NAMES = "length,built,port,sold\n"
ROWS = "7.5,1990,Kiel,yes\n11.2,2003,Vigo,no\n"
GOOD = NAMES + ROWS


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return {extra: _model(tmp_path_factory.mktemp(extra), extra) for extra in ("refuse", "ignore")}


def _model(root, extra):
    folder = root / "boats"
    folder.mkdir()
    (folder / "pipeline.py").touch()
    (folder / "model.yml").write_text(MODEL.replace("EXTRA", extra))
    return read_model("boats", root)


def check(config, content: bytes | str, *, limit_bytes: int | None = 1 << 20):
    content = content.encode() if isinstance(content, str) else content
    return check_file(
        io.BytesIO(content),
        file="boats.csv",
        config=config,
        size_bytes=len(content),
        limit_bytes=limit_bytes,
    )


def only(report):
    assert len(report.findings) == 1, report.findings
    return report.findings[0]


def packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)  # the same bytes in each process of a test run


def zipped(**members: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in members.items():
            archive.writestr(name.replace("__", "/"), member)
    return content.getvalue()


def cells(config, content: bytes) -> list[list[str]]:
    chunks = list(open_file(io.BytesIO(content), config.data).chunks)
    return pd.concat(chunks)[list(config.data.columns)].to_numpy().tolist()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(("\ufeff" + GOOD).encode(), id="UTF-8 with mark"),
        pytest.param(GOOD.encode("utf-16"), id="UTF-16"),
        pytest.param(("\ufeff" + GOOD).encode("utf-16-be"), id="UTF-16, big end first"),
        pytest.param(GOOD.encode("utf-32"), id="UTF-32"),
        pytest.param(GOOD.replace("\n", "\r").encode(), id="line ends of old Macs"),
        pytest.param(("sep=,\r\n" + GOOD).encode(), id="sep= line"),
        pytest.param(('\n"sep=,"\n' + GOOD).encode(), id="quoted sep= line"),
        pytest.param(("\n \n" + GOOD.replace("7.5", "\n7.5") + "\n\n").encode()[3:], id="blanks"),
        pytest.param(packed(GOOD.encode()), id="gzip"),
        pytest.param(packed(NAMES.encode()) + packed(ROWS.encode()), id="gzip of two parts"),
        pytest.param(packed(GOOD.encode("utf-16")), id="gzip of UTF-16"),
        pytest.param(zipped(**{"boats.csv": GOOD.encode()}), id="zip"),
        pytest.param(
            zipped(
                **{"boats.csv": GOOD.encode(), "__MACOSX__._boats.csv": b"x", ".DS_Store": b"x"}
            ),
            id="zip of a Mac",
        ),
    ],
)
def test_another_wrapper_gives_the_same_rows(models, content):
    config = models["refuse"]

    report = check(config, content)

    assert report.passed, report.sentence
    assert cells(config, content) == cells(config, GOOD.encode())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (GOOD.upper(), "the names differ from the contract's in upper and lower case only"),
        (
            "sep=;\n" + GOOD.replace(",", ";"),
            'sep= line and states ";" between fields; wanted: ","',
        ),
        (
            "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n",
            "a Git LFS pointer, not the file",
        ),
        ("\n<!doctype html><html><title>Sign in</title></html>", "a web page"),
        ("<HTML><body>", "a web page"),
        ("<table><tr><td>length</td></tr></table>", "a web page"),
        (
            '<?xml version="1.0" encoding="utf-8"?>\n<Error><Code>AuthenticationFailed</Code>',
            "the error answer of a storage service (XML)",
        ),
        ('{"error": {"code": "404"}}', "the error answer of a service (JSON)"),
        ('[{"length": 7.5}]', "JSON"),
        (
            '<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">',
            "a spreadsheet saved as XML",
        ),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "an Excel workbook (.xls)"),
        (zipped(**{"[Content_Types].xml": b"", "xl__workbook.xml": b""}), "an Excel workbook"),
        (zipped(**{"mimetype": b"", "content.xml": b""}), "an OpenDocument"),
        (zipped(**{"a.csv": b"1", "b.csv": b"2"}), "a zip of 2 files"),
        (zipped(), "a zip of 0 files"),
        (packed(packed(GOOD.encode())), "gzip in gzip"),
        (packed(b"PAR1..."), "Parquet in gzip"),
        (packed(b"boats.csv".ljust(257, b"\0") + b"ustar"), "a tar archive"),
        (b"%PDF-1.7", "a PDF"),
        (b"BZh91AY", "bzip2"),
        (ROWS, "looks like data, not like names (4 of 4 cells fit the columns"),
        ("7.5,1990,Kiel\n", "looks like data, not like names (2 of 3 cells are numbers)"),
        ("Boats of 2025\n\n" + GOOD, "the column names stand in line 3"),
        ("a,b,c\n1,2,3\n", "the first line names no known column"),
        (GOOD.encode("utf-16-le"), "NUL bytes in the first line"),
        (GOOD.replace("length", "l\xe4nge").encode("latin-1"), "not UTF-8 in the first line"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 80 else "file",
)
def test_what_is_no_table_is_named(models, content, said):
    report = check(models["refuse"], content)

    finding = only(report)
    assert said in finding.sentence
    assert finding.remedy
    assert report.rows == 0


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(f",{NAMES}0,{ROWS.replace(chr(10), chr(10) + '1,', 1)}", id="index first"),
        pytest.param(
            f"Unnamed: 0,{NAMES}0,{ROWS.replace(chr(10), chr(10) + '1,', 1)}", id="index read back"
        ),
        pytest.param(GOOD.replace("\n", ",\n"), id="separator at the end of each line"),
        pytest.param(GOOD.replace("\n", ",,,\n"), id="separators at the end of each line"),
        pytest.param(NAMES + ROWS.replace("\n", ",,\n"), id="separators below the names only"),
        pytest.param(NAMES.replace("\n", ",,\n") + ROWS, id="separators behind the names only"),
        pytest.param(GOOD.replace("\n", ",a,a\n"), id="a name twice, of columns nobody needs"),
    ],
)
def test_columns_without_use_are_ignored_or_refused_by_the_setting(models, content):
    ignoring, refusing = models["ignore"], models["refuse"]

    assert check(ignoring, content).passed
    assert cells(ignoring, content.encode()) == cells(ignoring, GOOD.encode())
    assert not check(refusing, content).passed


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"\xfd7zXZ\x00", "xz"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"Rar!\x1a", "a RAR archive"),
        (b"ORC", "ORC"),
        (b"Obj\x01", "Avro"),
        (b"ARROW1", "Feather (Arrow)"),
        (b"SQLite format 3\x00", "a SQLite database"),
        (b"\x89HDF", "HDF5"),
        (pickle.dumps([1.5, 2.5]), "a Python pickle"),
        (b"{\\rtf1", "a text document (RTF)"),
        (b"<?xml version='1.0'?><rows/>", "XML"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_files_of_other_programs_are_named(models, start, said):
    assert f"the file is {said}; wanted: CSV" in only(check(models["refuse"], start)).sentence


def test_zip_with_a_password_is_named(models):
    content = bytearray(zipped(**{"boats.csv": GOOD.encode()}))
    content[content.index(b"PK\x03\x04") + 6] |= 1  # flags: encrypted
    content[content.index(b"PK\x01\x02") + 8] |= 1

    assert "protected by a password" in only(check(models["refuse"], bytes(content))).sentence


def test_names_in_other_case_are_read_where_model_yml_names_them(tmp_path):
    text = MODEL.replace("EXTRA", "refuse")
    for name in ("length", "built", "port", "sold"):
        text = text.replace(f"{name}: {{", f"{name}: {{was: [{name.upper()}], ")
    folder = tmp_path / "boats"
    folder.mkdir()
    (folder / "pipeline.py").touch()
    (folder / "model.yml").write_text(text)

    report = check(read_model("boats", tmp_path), NAMES.upper() + ROWS)

    assert report.passed, report.sentence


def test_nameless_columns_are_refused_with_both_ways_out(models):
    finding = only(check(models["refuse"], GOOD.replace("\n", ",,\n")))

    assert finding.sentence == "column 5, column 6 have no name; wanted: a name for every column"
    assert "index=False" in finding.remedy
    assert "data.extra_columns: ignore" in finding.remedy


def test_row_names_of_r_are_recognised(models):
    finding = check(
        models["ignore"], NAMES + ROWS.replace("7.5", "1,7.5").replace("11.2", "2,11.2")
    )

    assert "row.names = FALSE" in only(finding).remedy


@pytest.mark.parametrize("chunk_rows", [50, 20_000])
@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (b"7.5,1990,M\xe1laga,yes\n", "bytes that are not UTF-8 in row 301"),
        (b"7.5,1990,Ki\0el,yes\n", "NUL bytes in row 301"),
        (b'7.5,1990,"Kiel,yes\n', "a quote that is never closed in row 301"),
        (b'7.5,1990,"Ki"el,yes\n', "text that is not CSV"),
    ],
)
def test_bad_place_is_named_by_its_row_and_the_rows_before_it_count(
    models, monkeypatch, chunk_rows, bad, said
):
    monkeypatch.setattr(csv_file, "CHUNK_ROWS", chunk_rows)

    report = check(models["refuse"], NAMES.encode() + ROWS.encode() * 150 + bad)

    finding = only(report)
    assert said in finding.value
    assert "in row 301; 300 rows were read before it" in finding.value
    assert report.rows == 300


def test_text_cut_inside_a_character_is_cut_not_badly_encoded(models):
    finding = only(check(models["refuse"], GOOD.encode() + "7,1990,M\u00e1".encode()[:-1]))

    assert finding.test == "truncated"
    assert "ends inside a character in row 3" in finding.value


@pytest.mark.parametrize(
    ("end", "noted"),
    [("yes\n", False), ("yes", False), ("yes\r\n\r\n", False)],
)
def test_last_cell_that_is_whole_is_not_noted(models, end, noted):
    report = check(models["refuse"], GOOD + "8,2001,Brest," + end)

    assert report.passed
    assert bool(report.notes) is noted


def test_last_cell_that_may_be_cut_is_noted_on_a_file_that_passes(models):
    content = "sold,port,built,length\nyes,Kiel,1990,7.5\nno,Vigo,2003,11.25"

    whole, cut = check(models["refuse"], content + "\n"), check(models["refuse"], content[:-1])

    assert whole.sentence == "boats.csv: passed, 2 rows"
    assert cut.sentence == (
        "boats.csv: passed, 2 rows; note: the file ends without a line end: its last row may be cut"
    )
    assert cut.document()["notes"] == list(cut.notes)


def test_gzip_that_was_cut_off_keeps_no_silence(models):
    file = packed(NAMES.encode() + ROWS.encode() * 5000)

    finding = check(models["refuse"], file[: len(file) // 2]).findings[0]

    assert "the gzip file is damaged or ends early" in finding.sentence


def test_packed_file_above_the_limit_goes_to_a_job_and_a_bomb_is_refused_anywhere(
    models, monkeypatch
):
    file = packed(NAMES.encode() + ROWS.encode() * 4_000)
    above = check(models["refuse"], file, limit_bytes=len(file))
    assert "MB unpacked" in only(above).sentence
    assert above.findings[0].test == "size"

    assert check(models["refuse"], file, limit_bytes=None).passed

    monkeypatch.setattr(unpacked, "_ALWAYS_BYTES", 1000)
    bomb = check(models["refuse"], file, limit_bytes=None)
    assert only(bomb).sentence == (
        "the gzip file unpacks to more than 200 times its size; wanted: 200 times"
    )


def test_line_without_an_end_is_refused_before_it_fills_the_memory(models, monkeypatch):
    monkeypatch.setattr(text_lines, "LONGEST_LINE", 1000)

    finding = only(check(models["refuse"], GOOD + "1" * 300_000))

    assert finding.sentence.startswith("a line of more than 1,000 characters in row 3")


@given(
    text=st.text(
        st.characters(codec="utf-8", exclude_characters="\0") | st.sampled_from('\r\n,"é€𝄞'),
        max_size=60,
    ),
    codec=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    block=st.integers(1, 9),
)
def test_lines_are_those_of_python_whatever_the_blocks(text, codec, block):
    text = text.removeprefix("\ufeff")
    content = text.encode(codec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_lines, "_BLOCK_BYTES", block)
        lines = text_lines.TextLines(io.BytesIO(content))

        assert list(lines) == list(io.StringIO(text, newline=""))
        assert lines.unended is (bool(text) and text[-1] not in "\r\n")


def _rows_or_refusal(config, content):
    try:
        return sum(len(chunk) for chunk in open_file(io.BytesIO(content), config.data).chunks)
    except UnreadableFile as exc:
        return exc.finding


@given(
    content=st.binary(max_size=80)
    | st.builds(bytes.__add__, st.just(GOOD.encode()), st.binary(max_size=40))
)
def test_any_bytes_give_a_verdict_and_the_same_refusal_to_whoever_reads(models, content):
    config = models["ignore"]

    report = check(config, content)

    assert _rows_or_refusal(config, content) in (report.rows, *report.findings[:1])
