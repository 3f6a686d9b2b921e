"""The HTTP interface: status codes, documents and refusals."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from functions import operations
from functions._http import guarded
from shared.adapters.in_memory import InMemoryCatalog
from shared.domain.retraining import CycleOpened, ReasonKind
from shared.errors import ModelConfigError, ServiceBusyError


@pytest.fixture
def call(app):
    def make(handler, req):
        return handler(req, lambda: app)

    return make


def document(response):
    return json.loads(response.get_body())


def ask(call, request_of, model="diabetes", body=b'{"reason": "new labels"}', **more):
    return call(operations.ask_for_retraining, request_of("POST", model=model, body=body, **more))


def test_retrain_request_returns_202_with_the_cycle_to_follow(call, request_of):
    response = ask(call, request_of)

    answer = document(response)
    assert response.status_code == 202
    assert response.headers["Location"] == f"/api/models/diabetes/cycles/{answer['cycle_id']}"
    assert answer["new"] is True


def test_requests_with_the_same_idempotency_key_are_deduplicated(call, request_of):
    key = {"Idempotency-Key": "label-audit-7"}

    first = document(ask(call, request_of, headers=key))
    second = document(ask(call, request_of, headers=key))

    assert second["cycle_id"] == first["cycle_id"]
    assert second["new"] is False


def test_idempotency_key_reused_with_another_reason_is_422(call, request_of):
    key = {"Idempotency-Key": "label-audit-8"}
    first = document(ask(call, request_of, headers=key))

    response = ask(call, request_of, headers=key, body=b'{"reason": "something else"}')

    assert first["new"] is True
    assert response.status_code == 422
    assert document(response)["error"]["code"] == "idempotency_key_reused"
    assert "send a new key for a new request" in document(response)["error"]["message"]


def test_requests_without_an_idempotency_key_are_separate(call, request_of):
    first, second = (document(ask(call, request_of)) for _ in range(2))

    assert first["request"] != second["request"]


@pytest.mark.parametrize(
    ("unseat", "refusal"),
    [
        (b'"3"', (409, "not_the_champion", "3 is not the champion of diabetes: no version")),
        (b"true", (400, "bad_unseat", "unseat='True' is not a version")),
        (b'"a b"', (400, "bad_unseat", "send that of the champion as text")),
    ],
)
def test_only_the_champion_can_be_unseated(app, call, request_of, unseat, refusal):
    response = ask(call, request_of, body=b'{"reason": "it leaks", "unseat": %s}' % unseat)

    error = document(response)["error"]
    assert (response.status_code, error["code"]) == refusal[:2]
    assert refusal[2] in error["message"]
    assert app.ledger.head("diabetes").state.count == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "reason_missing"),
        (b"{}", "reason_missing"),
        (b'{"reason": "  "}', "reason_missing"),
        (b'{"reason": 7}', "reason_missing"),
        (b'{"reason": "half a pair: \\ud800"}', "not_json"),
        (b"reason=x", "not_json"),
        (b"\xff", "not_json"),
        (b"[" * 15_000, "not_json"),
        (b'["x"]', "not_an_object"),
        (json.dumps({"reason": "x" * 501}).encode(), "reason_too_long"),
    ],
)
def test_retrain_request_without_a_valid_reason_is_400(call, request_of, body, code):
    response = ask(call, request_of, body=body)

    assert response.status_code == 400
    assert document(response)["error"]["code"] == code


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (b'{"reason": "x", "resaon": "y"}', ("unknown_field", '{"resaon": "y"}')),
        (b'{"reason": "x", "date": "2026-03-14"}', ("unknown_field", "allowed: reason, unseat.")),
        (b'{"reason": "x", "Reason": "y"}', ("unknown_field", '{"Reason": "y"}')),
        (b'{"reason": "x", "reason": "y"}', ("repeated_field", "'reason' is there 2 times")),
        (b'{"reason": {"a": 1, "a": 2}}', ("repeated_field", "'a' is there 2 times")),
    ],
)
def test_unknown_or_repeated_field_is_400_and_records_nothing(app, call, request_of, body, refusal):
    response = ask(call, request_of, body=body)

    code, named = refusal
    assert response.status_code == 400
    assert document(response)["error"]["code"] == code
    assert named in document(response)["error"]["message"]
    assert app.facts("diabetes") == []


def test_overlong_unknown_field_is_truncated_in_the_error_message(call, request_of):
    response = ask(call, request_of, body=json.dumps({"x" * 5000: "y" * 5000}).encode())

    assert len(document(response)["error"]["message"]) < 250


@pytest.mark.parametrize("body", [b'{"date": "2026-03-14"}', b"null", b"x"])
def test_body_on_a_route_without_a_body_is_refused(call, request_of, body):
    response = call(operations.ask_for_drift_check, request_of("POST", model="iris", body=body))

    assert document(response)["error"]["code"] == "body_not_read"
    assert "allowed" not in document(response)["error"]["message"]
    assert "parameters in the address: date." in document(response)["error"]["message"]


@pytest.mark.parametrize(
    ("params", "code", "named"),
    [
        ({"dat": "2026-03-14"}, "unknown_parameter", "dat=2026-03-14"),
        ({"Date": "2026-03-14"}, "unknown_parameter", "allowed: date."),
        ({"date": "2026-03-14", "force": ""}, "unknown_parameter", "force="),
    ],
)
def test_unknown_query_parameter_is_400(call, request_of, params, code, named):
    response = call(operations.ask_for_drift_check, request_of("POST", model="iris", params=params))

    assert response.status_code == 400
    assert document(response)["error"]["code"] == code
    assert named in document(response)["error"]["message"]


def test_repeated_query_parameter_is_refused(call, request_of):
    request = request_of("POST", query="?date=2026-03-13&date=2026-03-14", model="iris")

    response = call(operations.ask_for_drift_check, request)

    assert document(response)["error"]["code"] == "repeated_parameter"


@pytest.mark.parametrize("params", [{"code": "the key"}, {"Code": "k", "clientId": "default"}])
def test_function_key_in_the_query_is_accepted(call, request_of, params):
    assert call(operations.show_models, request_of(params=params)).status_code == 200


def test_oversized_body_is_413(call, request_of):
    response = ask(call, request_of, body=b" " * 20_000)

    assert response.status_code == 413
    assert "20000 bytes, at most 16384" in document(response)["error"]["message"]


@pytest.mark.parametrize("key", ["", "x" * 101, "with space", "ünïcode"])
def test_invalid_idempotency_key_is_refused(call, request_of, key):
    response = ask(call, request_of, headers={"Idempotency-Key": key})

    assert document(response)["error"]["code"] == "bad_idempotency_key"


def test_unknown_model_is_404_with_the_nearest_name(call, request_of):
    response = ask(call, request_of, model="diabtes")

    assert response.status_code == 404
    assert "Did you mean diabetes?" in document(response)["error"]["message"]


@pytest.mark.parametrize("model", ["", "../etc", "a b", "x" * 65, "<script>"])
def test_malformed_model_name_is_400(call, request_of, model):
    response = call(operations.show_model, request_of(model=model))

    assert response.status_code == 400


@pytest.mark.parametrize(
    ("day", "code"),
    [
        ("yesterday", "bad_date"),
        ("2026-13-01", "bad_date"),
        ("20260101", "bad_date"),
        ("9999-01-01", "date_in_the_future"),
        ("0001-01-01", "date_too_early"),
    ],
)
def test_drift_check_of_a_malformed_or_future_day_is_400(call, request_of, day, code):
    response = call(
        operations.ask_for_drift_check, request_of("POST", model="iris", params={"date": day})
    )

    assert response.status_code == 400
    assert document(response)["error"]["code"] == code


def test_drift_check_without_a_champion_is_409(call, request_of):
    response = call(operations.ask_for_drift_check, request_of("POST", model="iris"))

    assert response.status_code == 409
    assert document(response)["error"]["code"] == "no_champion"


@pytest.mark.parametrize(
    ("reasons", "said"),
    [
        (frozenset(ReasonKind), "The first file that passes its tests trains one."),
        (frozenset({ReasonKind.MANUAL}), "a retraining by hand trains the first version"),
        (frozenset(), "none is trained on: retrain.reasons in model.yml names neither data nor"),
    ],
)
def test_status_before_the_first_version_says_what_trains_one(app, call, request_of, reasons, said):
    policy = replace(app.catalog.policy("diabetes"), reasons=reasons)
    app.catalog = InMemoryCatalog({"diabetes": policy})

    answer = document(call(operations.show_model, request_of(model="diabetes")))

    assert answer["sentence"].startswith("No file has arrived in landing/diabetes/ yet. ")
    assert said in answer["sentence"]


def test_every_model_is_listed_with_a_status_sentence(call, request_of):
    listed = document(call(operations.show_models, request_of()))["models"]

    assert [model["model"] for model in listed] == ["diabetes", "iris"]
    assert all(model["sentence"] for model in listed)


def test_model_shows_its_open_cycle(app, call, request_of):
    # given a cycle that is open because its data is being tested
    app.drop("diabetes", "march.csv")

    status = document(call(operations.show_model, request_of(model="diabetes")))

    (opened,) = (fact for fact in app.facts("diabetes") if isinstance(fact, CycleOpened))
    assert status["open_cycle"]["cycle_id"] == opened.cycle_id
    assert status["cycles"] == []


def test_model_shows_its_ended_cycle(call, request_of):
    cycle_id = document(ask(call, request_of))["cycle_id"]

    status = document(call(operations.show_model, request_of(model="diabetes")))

    assert status["open_cycle"] is None
    assert [cycle["cycle_id"] for cycle in status["cycles"]] == [cycle_id]


def test_cycle_explanation_lists_steps_and_facts(call, request_of):
    cycle_id = document(ask(call, request_of))["cycle_id"]

    response = call(operations.explain_cycle, request_of(model="diabetes", cycle_id=cycle_id))

    answer = document(response)
    assert answer["sentence"]
    assert answer["steps"][0]["name"] == answer["steps"][0]["title"] == "Reason"
    assert answer["facts"][0]["fact"]["is"] == "cycle_opened"


def test_cycle_explanation_is_plain_text_on_request(call, request_of):
    cycle_id = document(ask(call, request_of))["cycle_id"]

    response = call(
        operations.explain_cycle,
        request_of(model="diabetes", cycle_id=cycle_id, headers={"Accept": "text/plain"}),
    )

    assert response.mimetype == "text/plain"
    assert response.get_body().decode().startswith(f"Cycle {cycle_id} · diabetes")


@pytest.mark.parametrize(("cycle_id", "status"), [("0123456789ab", 404), ("latest", 400)])
def test_unknown_cycle_id_is_404_and_malformed_one_400(call, request_of, cycle_id, status):
    response = call(operations.explain_cycle, request_of(model="diabetes", cycle_id=cycle_id))

    assert response.status_code == status


def test_busy_service_is_503_with_retry_after_and_without_secrets(request_of):
    @guarded()
    def busy(_req, _app):
        raise ServiceBusyError("AccountKey=secret refused")

    response = busy(request_of(), lambda: None)

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert b"secret" not in response.get_body()


def test_responses_are_not_cached(call, request_of):
    assert call(operations.show_models, request_of()).headers["Cache-Control"] == "no-store"


def test_request_waiting_for_the_open_cycle_names_the_model_to_follow(app, call, request_of):
    # given a cycle that is open because its data is being tested
    app.drop("diabetes", "march.csv")
    app.clock.advance(timedelta(seconds=1))

    answer = document(ask(call, request_of))

    assert answer["cycle_id"] is None
    assert answer["follow"] == "/api/models/diabetes"


def test_invalid_model_yml_is_500_with_file_and_line(request_of):
    @guarded()
    def broken(_req, _app):
        raise ModelConfigError("ml/models/diabetes/model.yml:14: drift.window is 0, at least 1 d")

    response = broken(request_of("POST", model="diabetes"), lambda: None)

    assert response.status_code == 500
    assert document(response)["error"]["code"] == "misconfigured"
    assert "model.yml:14" in document(response)["error"]["message"]
