"""The stack file: every mistake at once, names as Azure allows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.errors import StackFileError
from local.stack.file import fill_in, read_stack_file

ROOT = Path(__file__).resolve().parents[3]


def written(folder: Path, text: str) -> Path:
    path = folder / "local.yml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(StackFileError) as refused:
        read_stack_file(written(folder, text))
    return str(refused.value)


def test_stack_file_of_the_project_is_valid():
    assert read_stack_file(ROOT / "infra" / "local.yml").queues


def test_empty_stack_file_sets_up_nothing(tmp_path):
    assert read_stack_file(written(tmp_path, "")).containers == []


def test_all_mistakes_in_a_stack_file_are_listed(tmp_path):
    # given
    text = """
    containers: [ok1, Bad_Name, 'a--b']
    queues: [q]
    tables: [1table]
    topics: [{name: t, schema: other}]
    subscriptions:
      - name: one
        source: nowhere
        destination: {queue: absent, webhook: 'https://x'}
        retry: {max_attempts: 31}
      - name: two
        source: storage
        destination: {queue: absent}
        dead_letter: {container: absent}
    datastores: [{name: Data, container: ok1}, {name: data, container: absent}]
    colour: blue
    """

    # when
    said = refusal(tmp_path, text)

    # then
    for wrong in (
        "containers.1",
        "containers.2",
        "queues.0",
        "tables.0",
        "topics.0.name",
        "topics.0.schema",
        "subscriptions.0.destination",
        "subscriptions.0.retry.max_attempts",
        "datastores.0.name",
        "colour",
        "subscription one: source 'nowhere' is not one of",
        "subscription two: queue 'absent' is not under queues",
        "subscription two: container 'absent' is not under containers",
        "datastore data: container 'absent' is not under containers",
    ):
        assert wrong in said


def test_duplicate_names_are_refused(tmp_path):
    said = refusal(
        tmp_path,
        "queues: [one, one]\ntopics: [{name: abc}, {name: abc}]\ncontainers: [abc]\n"
        "datastores: [{name: d, container: abc}, {name: d, container: abc}]\n",
    )
    assert "queues: 'one' is there twice" in said
    assert "topics: 'abc' is there twice" in said
    assert "datastores: 'd' is there twice" in said


@pytest.mark.parametrize("name", ["storage", "workspace"])
def test_topic_with_the_name_of_a_built_in_source_is_refused(tmp_path, name):
    assert f"topic '{name}'" in refusal(tmp_path, f"topics: [{{name: {name}}}]")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "is not YAML"),
        ("- a list", "is not a mapping"),
        ("just text", "is not a mapping"),
        ("\x00", "is not YAML"),
        ("settings: {A: [1]}", "settings.A"),
    ],
)
def test_content_that_is_not_a_stack_file_is_refused(tmp_path, text, said):
    assert said in refusal(tmp_path, text)


def test_missing_stack_file_or_a_folder_in_its_place_is_refused(tmp_path):
    with pytest.raises(StackFileError, match="--file"):
        read_stack_file(tmp_path / "absent.yml")
    with pytest.raises(StackFileError, match="cannot be read"):
        read_stack_file(tmp_path)


def test_stack_file_that_is_not_utf8_is_refused(tmp_path):
    (tmp_path / "local.yml").write_bytes(b"containers: [\xff\xfe]")
    with pytest.raises(StackFileError, match="is not YAML"):
        read_stack_file(tmp_path / "local.yml")


@pytest.mark.parametrize("name", ["abc", "a-b-c", "0" * 63])
def test_container_names_that_azure_accepts_are_accepted(tmp_path, name):
    assert read_stack_file(written(tmp_path, f"containers: ['{name}']")).containers == [name]


@pytest.mark.parametrize("name", ["ab", "-abc", "abc-", "a--b", "ABC", "a_b", "0" * 64, "abc\n"])
def test_container_names_that_azure_refuses_are_refused(tmp_path, name):
    assert "containers.0" in refusal(tmp_path, f"containers: [{name!r}]".replace("'", '"'))


def test_placeholders_are_filled_in_and_unknown_ones_are_all_named():
    assert fill_in({"A": "x${a.b}y${a.b}", "B": "$"}, {"a.b": "1"}) == {"A": "x1y1", "B": "$"}
    with pytest.raises(StackFileError) as refused:
        fill_in({"A": "${c}", "B": "${d}"}, {"a.b": "1"})
    assert all(part in str(refused.value) for part in ("A: ${c}", "B: ${d}", "It has: a.b"))
