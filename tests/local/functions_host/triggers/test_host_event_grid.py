from __future__ import annotations

import json

import pytest

pytestmark = [pytest.mark.anyio, pytest.mark.azurite]

NOTIFICATION = {"aeg-event-type": "Notification"}


def event(name, kind):
    return {
        "id": name,
        "topic": "/shop",
        "subject": "till",
        "eventType": "Shop.Sold",
        "eventTime": "2026-01-02T03:04:05.1234567Z",
        "data": {"kind": kind},
        "dataVersion": "1",
    }


async def test_event_grid_handshake_returns_the_code(shop, http):
    host = await shop.started()
    asked = {
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "data": {"validationCode": "secret-code"},
    }

    response, text = await http(
        "POST",
        host.webhook_url("on_event"),
        json=[asked],
        headers={"aeg-event-type": "SubscriptionValidation"},
    )

    assert (response.status, json.loads(text)) == (200, {"validationResponse": "secret-code"})


async def test_cloud_events_handshake_allows_the_requesting_origin(shop, http):
    host = await shop.started()

    response, _ = await http(
        "OPTIONS",
        host.webhook_url("on_event"),
        headers={"WebHook-Request-Origin": "eventgrid.azure.net"},
    )

    assert response.status == 200
    assert response.headers["WebHook-Allowed-Origin"] == "eventgrid.azure.net"


async def test_each_event_of_an_array_is_one_call_with_its_data_as_metadata(shop, http):
    host = await shop.started()

    response, _ = await http(
        "POST",
        host.webhook_url("on_event"),
        json=[event("1", "tea"), event("2", "milk")],
        headers=NOTIFICATION,
    )

    assert response.status == 202
    for name, kind in (("1", "tea"), ("2", "milk")):
        copy = json.loads(await shop.blob("REPORTS", f"events/{kind}.json"))
        assert copy == {"id": name, "type": "Shop.Sold", "data": {"kind": kind}}


async def test_failing_event_fails_the_delivery_after_all_events_ran(shop, http):
    host = await shop.started()

    response, _ = await http(
        "POST",
        host.webhook_url("on_event"),
        json=[event("1", "bad"), event("2", "tea")],
        headers=NOTIFICATION,
    )

    assert response.status == 500
    assert json.loads(await shop.blob("REPORTS", "events/tea.json"))["id"] == "2"


async def test_unknown_function_wrong_key_and_bad_body_have_different_statuses(shop, http):
    host = await shop.started()
    url = host.webhook_url("on_event")

    async def status(address, **options):
        response, _ = await http("POST", address, headers=NOTIFICATION, **options)
        return response.status

    assert await status(host.webhook_url("nobody"), json=[event("1", "tea")]) == 404
    assert await status(url.partition("&code=")[0], json=[event("1", "tea")]) == 401
    assert await status(url, data=b"{") == 400
    assert await status(url, json=[]) == 400


async def test_cloud_event_is_delivered_without_aeg_event_type(shop, http):
    app = shop.app(
        "import azure.functions as func\napp = func.FunctionApp()\n"
        "@app.event_grid_trigger(arg_name='e')\n"
        "@app.blob_output(arg_name='o', path='%REPORTS%/{rand-guid}/x/{DateTime}', connection='')\n"
        "def on(e: func.CloudEvent, o: func.Out[str]) -> None:\n"
        "    print('cloud', e.type, e.get_json(), flush=True)\n    o.set('x')\n"
    )
    host = await shop.started(app)

    response, _ = await http(
        "POST",
        host.webhook_url("ON"),
        data=json.dumps(
            {"specversion": "1.0", "id": "1", "source": "s", "type": "Sold", "data": {"a": 1}}
        ),
        headers={"Content-Type": "application/cloudevents+json"},
    )

    assert response.status == 202
    assert "cloud Sold {'a': 1}" in shop.log()
