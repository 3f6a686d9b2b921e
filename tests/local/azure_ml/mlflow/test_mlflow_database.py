"""The cached MLflow database: how it is copied, and that a bad one never blocks a start."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from local.azure_ml.mlflow.database import begin, keep, refuse_damage
from local.errors import LocalStackError


def make(database, *words):
    database.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE words (word TEXT)")
        connection.executemany("INSERT INTO words VALUES (?)", [(word,) for word in words])
        connection.commit()
    return database


def words_of(database):
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return [word for (word,) in connection.execute("SELECT word FROM words")]


@pytest.fixture
def empty(tmp_path):
    return tmp_path / "cache" / "empty.db"


@pytest.fixture
def database(tmp_path):
    return tmp_path / "state" / "mlflow.db"


def test_new_database_is_a_copy_of_the_cached_one(tmp_path, empty, database, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = make(Path("first", "mlflow.db"), "made once")

    assert not begin(first.with_name("other.db"), empty=empty)  # nothing is kept yet
    keep(first, empty=empty)
    assert begin(database, empty=empty)

    assert words_of(database) == words_of(empty) == ["made once"]
    assert [path.name for path in empty.parent.iterdir()] == ["empty.db"]
    assert [path.name for path in database.parent.iterdir()] == ["mlflow.db"]


def test_cached_copy_includes_the_write_ahead_log(tmp_path, empty):
    first = make(tmp_path / "first" / "mlflow.db")
    with contextlib.closing(sqlite3.connect(first)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("INSERT INTO words VALUES ('in the log')")
        connection.commit()

        keep(first, empty=empty)

    assert words_of(empty) == ["in the log"]


def test_damaged_cached_database_is_logged_and_replaced(tmp_path, empty, database, caplog):
    empty.parent.mkdir()
    empty.write_bytes(b"no database, although it is long enough to be one" * 100)

    assert not begin(database, empty=empty)
    assert [path.name for path in database.parent.iterdir()] == []
    assert f"{empty} cannot be used" in caplog.text
    assert "not a database" in caplog.text

    keep(make(tmp_path / "first.db", "whole"), empty=empty)
    assert words_of(empty) == ["whole"]


def test_cached_database_with_damage_after_its_first_page_is_not_used(
    tmp_path, empty, database, caplog
):
    keep(make(tmp_path / "first.db", *map(str, range(5_000))), empty=empty)
    content = empty.read_bytes()
    empty.write_bytes(content[:4_096] + b"\xff" * (len(content) - 4_096))

    assert not begin(database, empty=empty)

    assert f"{empty} cannot be used" in caplog.text
    assert [path.name for path in database.parent.iterdir()] == []


def test_cache_that_cannot_be_written_is_logged_and_not_an_error(tmp_path, empty, caplog):
    empty.parent.write_text("a file where the folder should be")

    keep(make(tmp_path / "first.db"), empty=empty)

    assert f"cannot be kept at {empty}" in caplog.text


def test_damaged_database_of_the_state_is_refused_with_the_remedy(database):
    database.parent.mkdir()
    database.write_bytes(b"no database, although it is long enough to be one" * 100)

    with pytest.raises(LocalStackError, match=r"mlflow\.db cannot be used: .* Delete it"):
        refuse_damage(database)
