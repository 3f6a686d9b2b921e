"""The data contract of the shipped models behind the port (imports pandas: not a unit test)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sklearn.datasets import load_diabetes

from shared.adapters.data_tests import ContractDataTests
from shared.ports.data import LocalCopy

if TYPE_CHECKING:
    from pathlib import Path


def local_copy(path: Path, content: bytes) -> LocalCopy:
    path.write_bytes(content)
    return LocalCopy(path, hashlib.sha256(content).hexdigest(), len(content))


def test_a_file_that_breaks_the_contract_is_a_verdict_with_a_remedy(tmp_path):
    tests = ContractDataTests(limit_bytes=1_000_000)

    tested = tests.test("diabetes", local_copy(tmp_path / "x", b"\xff\xfe nonsense"), "x.csv")

    assert not tested.passed
    assert tested.findings[0].sentence
    assert tested.report["verdict"] == "failed"


def test_a_file_as_the_contract_wants_it_passes_and_is_counted(tmp_path):
    frame = load_diabetes(as_frame=True, scaled=False).frame
    content = frame.head(200).to_csv(index=False).encode()
    tests = ContractDataTests(limit_bytes=1_000_000)

    tested = tests.test("diabetes", local_copy(tmp_path / "x", content), "x.csv")

    assert tested.passed
    assert tested.rows == 200
