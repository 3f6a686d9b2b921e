"""Files are withdrawn and looked up by HTTP, and withdrawn where they are deleted."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from functions import data_set, events_queue, work_queue
from shared.adapters.in_memory import MarkedDataTests
from shared.domain.data import DataRegistered, DataWithdrawn


@pytest.fixture
def call(app):
    return lambda handler, request: handler(request, lambda: app)


@pytest.fixture
def withdraw(call, request_of):
    def ask(file, model="diabetes", reason="wrong units", **headers):
        body = json.dumps({"file": file, "reason": reason}).encode()
        request = request_of("POST", model=model, body=body, headers=headers)
        return call(data_set.withdraw_file, request)

    return ask


@pytest.fixture
def look_up(call, request_of):
    def ask(file, model="diabetes", **headers):
        return call(data_set.look_up_file, request_of(model=model, file=file, headers=headers))

    return ask


def document(response):
    return json.loads(response.get_body())


def refusal(response):
    return response.status_code, document(response)["error"]["code"]


def newest(look_up, file):
    return document(look_up(file))["contents"][-1]


def work(app):
    """Every step that is due now, until none is left or a job runs."""
    for _ in range(20):
        visible = app.work.visible()
        if not visible:
            return
        app.work.take(visible[0])
        work_queue.handle(visible[0].body.to_json().encode(), app)
        app.work.acknowledge(visible[0])


def pinned(app):
    registered = [fact for fact in app.facts("diabetes") if isinstance(fact, DataRegistered)]
    pins = json.loads(app.blobs.get("data", registered[-1].pins))
    return [file["source"].rpartition("/")[2] for file in pins["files"]]


def end_of_the_cycle(app):
    """The open cycle's job runs, and the cycle comes to its end."""
    work(app)
    while app.ledger.head("diabetes").state.cycle is not None:
        moments = [app.azure_ml.next_end_utc(), app.work.next_visible_utc()]
        app.clock.advance_to(min(moment for moment in moments if moment is not None))
        app.azure_ml.settle()
        work(app)


@pytest.fixture
def trained(app):
    """Two files, each trained on by a version of its own; the cooldown holds."""
    app.drop("diabetes", "a.csv", b"a\n")
    end_of_the_cycle(app)
    app.drop("diabetes", "folder/b.csv", b"b\nb\n")
    end_of_the_cycle(app)
    return app


def delete(app, name, sequencer="0000000000000000000000000000000F"):
    app.blobs.delete("landing", f"diabetes/{name}")
    event = {
        "eventType": "Microsoft.Storage.BlobDeleted",
        "data": {
            "url": f"https://a.blob.core.windows.net/landing/diabetes/{name}",
            "sequencer": sequencer,
        },
    }
    events_queue.handle(json.dumps(event).encode(), app)


def deletions_withdraw(app):
    policy = replace(app.catalog.policy("diabetes"), deleted_withdraws=True)
    app.catalog = type(app.catalog)({"diabetes": policy})


# --- withdraw ------------------------------------------------------------------------------------


def test_withdrawn_file_is_gone_from_the_next_data_version(trained, withdraw, look_up):
    response = withdraw("a.csv")
    work(trained)

    answer = document(response)
    assert response.status_code == 202
    assert response.headers["Location"].endswith(answer["cycle_id"])
    assert "The next data version lacks the file" in answer["sentence"]
    assert pinned(trained) == ["b.csv"]
    found = newest(look_up, "a.csv")
    assert found["became"] == "withdrawn"
    assert ": wrong units. 2 data versions held it" in found["sentence"]


def test_file_is_withdrawn_once_however_often_it_is_asked_for(trained, withdraw):
    key = {"Idempotency-Key": "audit-7"}
    first, second = (document(withdraw("landing/diabetes/a.csv", **key)) for _ in range(2))

    assert (first["new"], second["new"]) == (True, False)
    assert sum(isinstance(fact, DataWithdrawn) for fact in trained.facts("diabetes")) == 1
    assert refusal(withdraw("folder/b.csv", **key)) == (422, "idempotency_key_reused")
    assert refusal(withdraw("a.csv")) == (404, "unknown_file")  # under a new key: it is out


def test_file_may_be_withdrawn_while_a_cycle_is_open(app, withdraw):
    app.drop("diabetes", "a.csv", b"a\n")
    app.drop("diabetes", "b.csv", b"b\n")

    answer = document(withdraw("a.csv"))
    end_of_the_cycle(app)

    assert answer["cycle_id"] is None
    assert "waits until the open cycle has ended" in answer["sentence"]
    assert pinned(app) == ["b.csv"]


def test_last_file_may_be_withdrawn_and_the_answer_says_what_is_left(app, withdraw):
    app.drop("diabetes", "a.csv", b"a\n")
    end_of_the_cycle(app)
    serves = app.ledger.head("diabetes").state.champion.version

    sentence = document(withdraw("a.csv"))["sentence"]
    work(app)

    assert f"It was the last file: version {serves} keeps serving until another" in sentence
    state = app.ledger.head("diabetes").state
    assert (state.cycle, state.data.files) == (None, 0)
    assert "the data set is empty" in state.past[-1].sentence


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"file": "c.csv"}, (404, "unknown_file")),
        ({"file": "a.csv", "model": "diabtes"}, (404, "unknown_model")),
        ({"file": "  "}, (400, "file_missing")),
        ({"file": None}, (400, "file_missing")),
        ({"file": "x" * 1025}, (400, "file_too_long")),
        ({"file": "a.csv", "reason": ""}, (400, "reason_missing")),
    ],
)
def test_request_that_can_withdraw_nothing_is_refused(trained, withdraw, asked, code):
    assert refusal(withdraw(**asked)) == code
    assert not any(isinstance(fact, DataWithdrawn) for fact in trained.facts("diabetes"))


@pytest.mark.usefixtures("trained")
def test_file_that_is_not_held_is_answered_with_the_nearest_one_and_the_number(withdraw):
    message = document(withdraw("folder/bb.csv"))["error"]["message"]

    assert "does not hold folder/bb.csv: it has 2 files. Did you mean folder/b.csv?" in message
    assert "GET /api/models/diabetes/files/folder/bb.csv" in message


# --- few rows


def wants_four_rows(app):
    app.data_tests = MarkedDataTests(min_rows=4)


def test_small_part_that_arrives_while_the_first_one_is_tested_is_kept(app, look_up):
    wants_four_rows(app)
    app.drop("diabetes", "part-0.csv", b"a\n" * 4)
    app.drop("diabetes", "part-1.csv", b"b\n")
    end_of_the_cycle(app)

    assert pinned(app) == ["part-0.csv", "part-1.csv"]
    assert newest(look_up, "part-1.csv")["became"] == "held"


def test_small_file_that_comes_later_is_quarantined_alone(app, look_up):
    wants_four_rows(app)
    app.drop("diabetes", "a.csv", b"a\n" * 4)
    end_of_the_cycle(app)
    app.clock.advance_to(app.clock.now_utc() + timedelta(hours=1))
    app.drop("diabetes", "b.csv", b"b\n")
    end_of_the_cycle(app)

    found = newest(look_up, "b.csv")
    assert found["became"] == "quarantined"
    assert "1 row, limit at least 4; land more rows together" in found["sentence"]


# --- deleted from landing ------------------------------------------------------------------------


def test_deleted_file_stays_in_the_data_set_by_default(trained, caplog):
    before = trained.facts("diabetes")
    with caplog.at_level("INFO"):
        delete(trained, "a.csv")

    assert trained.facts("diabetes") == before
    assert "its rows stay in the data set (data.deleted: keep in model.yml)" in caplog.text


def test_deleted_file_is_withdrawn_where_model_yml_says_so_and_once(trained, look_up):
    deletions_withdraw(trained)

    for _ in range(3):
        delete(trained, "a.csv")
    work(trained)

    assert pinned(trained) == ["b.csv"]
    assert sum(isinstance(fact, DataWithdrawn) for fact in trained.facts("diabetes")) == 1
    assert "it was deleted from landing" in newest(look_up, "a.csv")["sentence"]


def test_deletion_that_is_older_than_the_content_withdraws_nothing(app):
    deletions_withdraw(app)
    blob = app.blobs.upload("landing", "diabetes/a.csv", b"a\n")
    created = {
        "eventType": "Microsoft.Storage.BlobCreated",
        "data": {
            "url": "https://a.blob.core.windows.net/landing/diabetes/a.csv",
            "eTag": blob.etag,
            "contentLength": 2,
            "sequencer": "000000000000000000000000000000FF",
        },
    }
    events_queue.handle(json.dumps(created).encode(), app)
    late = {"url": created["data"]["url"], "sequencer": "0000000000000000000000000000000A"}
    event = {"eventType": "Microsoft.Storage.BlobDeleted", "data": late}
    events_queue.handle(json.dumps(event).encode(), app)
    end_of_the_cycle(app)

    assert pinned(app) == ["a.csv"]


@pytest.mark.parametrize("name", ["never.csv", "broken.csv"])
def test_deletion_of_a_file_that_is_no_data_opens_no_cycle(trained, name):
    trained.drop("diabetes", "broken.csv", b"broken")
    end_of_the_cycle(trained)
    deletions_withdraw(trained)
    before = trained.facts("diabetes")

    delete(trained, name)

    assert trained.facts("diabetes") == before


# --- lookup --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("trained")
def test_file_that_was_trained_on_names_its_data_and_model_versions(look_up):
    story = document(look_up("a.csv"))

    (content,) = story["contents"]
    assert content["became"] == "held"
    assert len(content["data_versions"]) == 2
    assert content["model_versions"] == ["1", "2"]
    assert "Accepted in cycle" in story["sentence"]
    assert "Versions 1, 2 were trained on it." in story["sentence"]


def test_accepted_file_that_waits_for_a_training_says_what_was_decided(trained, look_up):
    trained.drop("diabetes", "c.csv", b"c\nc\nc\n")
    end_of_the_cycle(trained)

    content = newest(look_up, "c.csv")

    assert (content["became"], content["rows"], content["model_versions"]) == ("held", 3, [])
    untrained = "No version was trained on it yet. Last decision: Postponed: cooldown of 7 d"
    assert untrained in content["sentence"]


def test_file_that_failed_its_tests_names_the_finding_and_its_copy(app, look_up):
    app.drop("diabetes", "bad.csv", b"broken")
    end_of_the_cycle(app)

    content = newest(look_up, "bad.csv")

    assert content["became"] == "quarantined"
    assert "bad.csv for diabetes is marked as broken" in content["sentence"]
    assert f"lie in quarantine/diabetes/{content['cycle_id']}/bad.csv" in content["sentence"]


def test_each_content_of_one_name_has_its_own_story(trained, look_up):
    trained.drop("diabetes", "a.csv", b"corrected\n")
    end_of_the_cycle(trained)

    story = document(look_up("a.csv"))

    assert [content["became"] for content in story["contents"]] == ["replaced", "held"]
    assert "2 contents landed under this name" in story["sentence"]
    assert "Replaced by a newer file of its name in cycle" in story["contents"][0]["sentence"]


def test_file_in_an_open_cycle_or_behind_it_says_what_it_waits_for(app, look_up):
    app.drop("diabetes", "a.csv", b"a\n")
    app.drop("diabetes", "b.csv", b"b\n")
    cycle = app.ledger.head("diabetes").state.cycle.cycle_id

    assert f"It is being tested in cycle {cycle}" in newest(look_up, "a.csv")["sentence"]
    assert f"It waits until cycle {cycle} has ended" in newest(look_up, "b.csv")["sentence"]


def test_overwritten_file_that_nobody_read_is_superseded(app, look_up):
    app.drop("diabetes", "a.csv", b"a\n")
    app.drop("diabetes", "a.csv", b"b\n")
    end_of_the_cycle(app)

    found = [content["became"] for content in document(look_up("a.csv"))["contents"]]

    assert found[0] == "superseded"


@pytest.mark.usefixtures("trained")
def test_story_is_read_as_text_too(look_up):
    response = look_up("a.csv", Accept="text/plain")

    assert response.mimetype == "text/plain"
    assert response.get_body().decode().startswith("landing/diabetes/a.csv: Arrived ")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"file": "aa.csv"}, (404, "unknown_file")),
        ({"file": "a.csv", "model": "diabtes"}, (404, "unknown_model")),
        ({"file": "/"}, (400, "file_missing")),
    ],
)
@pytest.mark.usefixtures("trained")
def test_file_or_model_that_is_not_known_is_refused(look_up, asked, code):
    assert refusal(look_up(**asked)) == code


@pytest.mark.usefixtures("trained")
def test_unknown_file_is_answered_with_the_nearest_name(look_up):
    message = document(look_up("aa.csv"))["error"]["message"]

    assert "2 files of this model arrived. Did you mean landing/diabetes/a.csv?" in message
