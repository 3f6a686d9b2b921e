"""Resources and URIs: what survives a restart and what is refused."""

from __future__ import annotations

import pytest

from local.azure_ml.workspace.resources import InvalidNameError, Resources
from local.azure_ml.workspace.uris import (
    AssetId,
    BlobPath,
    DatastorePath,
    JobOutput,
    UnknownUriError,
    parse,
)
from local.errors import LocalStackError

ARM = "/subscriptions/s/resourceGroups/r/providers/Microsoft.MachineLearningServices/workspaces/w"


def test_resources_survive_a_restart_in_creation_order(tmp_path):
    # given
    first = Resources(tmp_path, arm_id=ARM)
    for version in ("2", "10", "1"):
        first.put(f"models/m/versions/{version}", {"properties": {"n": version}})
    first.put("models/m/versions/2", {"properties": {"n": "changed"}})

    # when
    again = Resources(tmp_path, arm_id=ARM)

    # then
    assert [item["name"] for item in again.list("models/m/versions")] == ["2", "10", "1"]
    seen = again.get("models/m/versions/2")
    assert seen["properties"] == {"n": "changed"}
    assert seen["id"] == f"{ARM}/models/m/versions/2"
    assert seen["type"] == "Microsoft.MachineLearningServices/workspaces/models/versions"
    assert seen["systemData"]["createdAt"] < seen["systemData"]["lastModifiedAt"]
    assert again.names("models") == ("m",)


def test_deleting_a_resource_deletes_its_children_on_disk_too(tmp_path):
    # given
    resources = Resources(tmp_path, arm_id=ARM)
    resources.put("models/m", {"properties": {}})
    resources.put("models/m/versions/1", {"properties": {}})

    # when
    assert resources.delete("models/m")

    # then
    assert not resources.delete("models/m")
    assert Resources(tmp_path, arm_id=ARM).get("models/m/versions/1") is None


def test_returned_resources_are_copies(tmp_path):
    # given
    resources = Resources(tmp_path, arm_id=ARM)
    body = {"properties": {"tags": {"a": "b"}}}
    resources.put("jobs/j", body)["properties"]["tags"]["a"] = "c"
    body["properties"]["tags"]["a"] = "d"

    # then
    assert resources.get("jobs/j")["properties"]["tags"] == {"a": "b"}


@pytest.mark.parametrize("name", ["..", "a/b", "", "-a", "a b", "x" * 256, "ä"])
def test_name_that_azure_refuses_is_refused(tmp_path, name):
    with pytest.raises((InvalidNameError, ValueError)):
        Resources(tmp_path, arm_id=ARM).put(f"jobs/{name}", {})


@pytest.mark.parametrize("content", ["{half", "[]", ""])
def test_damaged_resource_file_is_named_with_the_remedy(tmp_path, content):
    # given
    Resources(tmp_path, arm_id=ARM).put("jobs/j", {})
    (tmp_path / "jobs" / "j.json").write_text(content, encoding="utf-8")

    # then
    with pytest.raises(LocalStackError, match=r"j\.json.*[Dd]elete"):
        Resources(tmp_path, arm_id=ARM)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("azureml://datastores/a/paths/b/c.csv", DatastorePath("a", "b/c.csv")),
        (
            "azureml://subscriptions/s/resourcegroups/r/workspaces/w/datastores/a/paths/b/",
            DatastorePath("a", "b/"),
        ),
        ("azureml://jobs/j/outputs/o/paths/p/q", JobOutput("j", "o", "p/q")),
        ("azureml://jobs/j/outputs/o", JobOutput("j", "o", "")),
        ("azureml:m:3", AssetId(None, "m", "3")),
        ("azureml:m@latest", AssetId(None, "m", None)),
        (f"{ARM}/models/m/versions/3", AssetId("models", "m", "3")),
        (f"azureml:{ARM}/codes/c/versions/1", AssetId("codes", "c", "1")),
        ("http://127.0.0.1:10000/devstoreaccount1/c/a%20b", BlobPath("c", "a b")),
        ("https://acc.blob.core.windows.net/c/a/b", BlobPath("c", "a/b")),
        ("wasbs://c@acc.blob.core.windows.net/a/b", BlobPath("c", "a/b")),
    ],
)
def test_every_spelling_of_a_uri_is_parsed(uri, expected):
    assert parse(uri) == expected


@pytest.mark.parametrize("uri", ["", "ftp://x", "azureml:", "plain", "http://host/only"])
def test_unknown_uri_is_refused_with_the_accepted_spellings(uri):
    with pytest.raises(UnknownUriError):
        parse(uri)
