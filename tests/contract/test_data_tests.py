"""The data contract of the shipped models behind the port (imports pandas: not a unit test)."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from sklearn.datasets import load_diabetes

from local.supervision.processes import child_environment
from ml.data_tests import file_job
from shared.adapters.data_tests import ContractDataTests
from shared.errors import EvidenceError
from shared.ports.data import LocalCopy

ROOT = Path(__file__).resolve().parents[2]


def local_copy(path: Path, content: bytes) -> LocalCopy:
    path.write_bytes(content)
    return LocalCopy(path, hashlib.sha256(content).hexdigest(), len(content))


def diabetes_rows(count: int, *, without: str = "") -> bytes:
    frame = load_diabetes(as_frame=True, scaled=False).frame
    return frame.head(count).drop(columns=without or []).to_csv(index=False).encode()


def test_file_that_breaks_the_contract_fails_with_a_finding(tmp_path):
    tests = ContractDataTests(limit_bytes=1_000_000)

    tested = tests.test("diabetes", local_copy(tmp_path / "x", b"\xff\xfe nonsense"), "x.csv")

    assert tested.findings
    assert tested.findings[0].sentence
    assert json.loads(tested.report)["verdict"] == "failed"


def test_file_that_meets_the_contract_passes_and_its_rows_are_counted(tmp_path):
    tests = ContractDataTests(limit_bytes=1_000_000)

    tested = tests.test("diabetes", local_copy(tmp_path / "x", diabetes_rows(200)), "x.csv")

    assert not tested.findings
    assert tested.rows == 200


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (diabetes_rows(5), 20),
        (diabetes_rows(200), None),
        (diabetes_rows(5)[:-3], 20),
        (b"x\n", None),
    ],
)
def test_file_with_nothing_wrong_but_few_rows_says_how_many_are_wanted(tmp_path, content, wanted):
    tests = ContractDataTests(limit_bytes=1_000_000)

    tested = tests.test("diabetes", local_copy(tmp_path / "x", content), "x.csv")

    assert tested.min_rows == wanted


def written_by_the_job(folder: Path, content: bytes, partition: str) -> str:
    """What the command of the component writes, run as a process."""
    file = folder / "0123456789ab"
    file.write_bytes(content)
    component = yaml.safe_load((ROOT / "ml/jobs/test_data.yml").read_text("utf-8"))
    given = {
        "${{inputs.model_name}}": "diabetes",
        "${{inputs.file}}": str(file),
        "${{inputs.partition}}": partition,
        "${{outputs.evidence}}": str(folder / "evidence"),
    }
    command = re.sub(r"\$\[\[(.*?)\]\]", r"\1" if partition else "", component["command"])
    program, *words = command.split()
    assert program == "python"
    argv = [sys.executable, *(given.get(word, word) for word in words)]
    subprocess.run(argv, cwd=ROOT, env=child_environment({}), check=True)
    return (folder / "evidence" / file_job.RESULT_FILE).read_text("utf-8")


@pytest.mark.parametrize(
    ("content", "partition"),
    [
        (diabetes_rows(200), ""),
        (diabetes_rows(300)[:-3], ""),
        (b"\xff\xfe", ""),
        (diabetes_rows(200, without="sex"), "sex=2"),
        (diabetes_rows(200, without="sex"), "sex=3+20or+204"),
    ],
    ids=["passes", "cut", "no table", "value of a folder", "bad value of a folder"],
)
def test_job_and_function_give_the_same_result_for_a_file(tmp_path, content, partition):
    tests = ContractDataTests(limit_bytes=1_000_000)
    copy = local_copy(tmp_path / "x", content)

    name = f"{partition}/Prüfung $(x).csv".removeprefix("/")

    found = tests.read(written_by_the_job(tmp_path, content, partition), name)

    assert found.sha256 == copy.sha256
    assert found.tested == tests.test("diabetes", copy, name)


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "[]",
        "null",
        "{}",
        json.dumps({"format": 2}),
        json.dumps({"format": 1, "sha256": "0" * 63, "report": {}}),
        json.dumps({"format": 1, "sha256": "0" * 64, "report": {"file": "x", "sentence": 3}}),
        json.dumps({"format": 1, "sha256": "0" * 64, "report": {"file": "x", "sentence": "x: y"}}),
    ],
)
def test_malformed_job_result_is_refused(text):
    with pytest.raises(EvidenceError, match=r"the data test of x\.csv"):
        ContractDataTests(limit_bytes=1).read(text, "x.csv")
