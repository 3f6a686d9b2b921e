"""The router against real HTTP servers in the same loop."""

from __future__ import annotations

import asyncio
import contextlib
import io
import uuid
from itertools import cycle

import aiohttp
import pytest
from aiohttp import web

from local.azure_ml.endpoints.router import Route, Router, Target
from local.azure_ml.endpoints.rules import RequestLimits
from local.supervision.port_allocation import free_port

_KEYS = ("first-key", "second-key")
_GENEROUS = RequestLimits(timeout_seconds=5.0, most_in_flight=100)


class _Model:
    """A deployment's server: records its requests, and answers when told to."""

    def __init__(self, name):
        self.name = name
        self.seen = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.asked = asyncio.Event()
        self.break_off = False

    async def handle(self, request):
        self.seen.append((request.path_qs, request.headers.copy(), await request.read()))
        self.asked.set()
        if self.break_off:
            request.transport.abort()
        await self.may_answer.wait()
        return web.json_response(
            {"from": self.name}, status=int(request.query.get("status", "200"))
        )


@contextlib.asynccontextmanager
async def _served(model):
    app = web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/{tail:.*}", model.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class _Stand:
    """A router with two deployments, blue and green, of endpoint `e`."""

    def __init__(self, router, blue, green, targets, session):
        self.router, self.blue, self.green = router, blue, green
        self.targets, self.session = targets, session

    def route(self, traffic, mirror=None, targets=None):
        chosen = self.targets if targets is None else targets
        self.router.routes["e"] = Route(_KEYS, traffic, mirror or {}, chosen)

    async def score(self, path="/e/score", *, key="first-key", body=b"{}", **headers):
        auth = {"Authorization": f"Bearer {key}"} if key else {}
        url = f"{self.router.url}{path}"
        async with self.session.post(url, data=body, headers=auth | headers) as answer:
            return answer.status, await answer.json(), answer.headers

    async def status(self, body, **headers):
        auth = {"Authorization": "Bearer first-key"}
        url = f"{self.router.url}/e/score"
        async with self.session.post(url, data=body, headers=auth | headers) as answer:
            return answer.status


@contextlib.asynccontextmanager
async def _stand(*, draws=(0.5,), limits=_GENEROUS):
    numbers = cycle(draws)
    router = Router(draw=lambda: next(numbers))
    blue, green = _Model("blue"), _Model("green")
    async with _served(blue) as blue_url, _served(green) as green_url:
        await router.start()
        targets = {"blue": Target("blue", blue_url, limits)}
        targets["green"] = Target("green", green_url, limits)
        async with aiohttp.ClientSession() as session:
            stand = _Stand(router, blue, green, targets, session)
            stand.route({"blue": 100})
            try:
                yield stand
            finally:
                blue.may_answer.set()
                green.may_answer.set()
                await router.stop()


def _run(scenario, **options):
    async def whole():
        async with _stand(**options) as stand:
            await scenario(stand)

    asyncio.run(whole())


def test_traffic_is_split_by_the_random_draw():
    async def scenario(stand):
        stand.route({"blue": 90, "green": 10})

        for _ in range(20):
            await stand.score()

        assert (len(stand.blue.seen), len(stand.green.seen)) == (18, 2)

    _run(scenario, draws=[n / 10 for n in range(10)])


def test_deployment_with_zero_percent_gets_no_request_at_the_edges_of_the_draw():
    async def scenario(stand):
        stand.route({"blue": 0, "green": 100})

        for _ in range(2):
            await stand.score()

        assert (len(stand.blue.seen), len(stand.green.seen)) == (0, 2)

    _run(scenario, draws=[0.0, 1 - 2**-53])


def test_header_selects_a_deployment_without_traffic_and_is_not_forwarded():
    async def scenario(stand):
        status, body, headers = await stand.score(**{"azureml-model-deployment": "green"})

        assert (status, body["from"]) == (200, "green")
        assert headers["azureml-model-deployment"] == "green"
        ((_, passed_on, _),) = stand.green.seen
        assert "azureml-model-deployment" not in passed_on
        assert "Authorization" not in passed_on
        assert headers["x-request-id"] == passed_on["x-request-id"]

    _run(scenario)


def test_unknown_deployment_endpoint_or_path_is_404():
    async def scenario(stand):
        status, body, _ = await stand.score(**{"azureml-model-deployment": "red"})
        assert (status, "blue, green" in body["error"]["message"]) == (404, True)
        assert (await stand.score("/nobody/score"))[0] == 404
        stand.route({})
        status, body, _ = await stand.score()
        assert (status, "traffic" in body["error"]["message"]) == (404, True)

    _run(scenario)


@pytest.mark.parametrize("key", [None, "", "wrong", "first-keyx", "caf\udce9"])
def test_wrong_or_missing_key_is_401(key):
    async def scenario(stand):
        assert (await stand.score(key=key))[0] == 401
        assert stand.blue.seen == []

    _run(scenario)


def test_both_keys_are_accepted():
    async def scenario(stand):
        assert [(await stand.score(key=key))[0] for key in _KEYS] == [200, 200]

    _run(scenario)


def test_failing_mirror_does_not_affect_the_answer():
    async def scenario(stand):
        stand.route({"blue": 100}, {"green": 50})
        stand.green.may_answer.clear()

        answers = [await stand.score(body=b'{"n": 1}') for _ in range(10)]

        assert {answer[1]["from"] for answer in answers} == {"blue"}
        assert len(stand.blue.seen) == 10
        assert len(stand.green.seen) == 5
        assert {body for _, _, body in stand.green.seen} == {b'{"n": 1}'}

    # Two draws a request: one for the share, one for the copy.
    _run(scenario, draws=[0.1, 0.2, 0.1, 0.7])


def test_mirror_that_is_down_does_not_affect_the_answer():
    async def scenario(stand):
        down = Target("green", f"http://127.0.0.1:{free_port()}", _GENEROUS)
        stand.route({"blue": 100}, {"green": 50}, {**stand.targets, "green": down})

        assert (await stand.score())[0] == 200

    _run(scenario, draws=[0.0])


def test_request_in_flight_ends_on_its_deployment_while_traffic_moves():
    async def scenario(stand):
        stand.blue.may_answer.clear()
        first = asyncio.create_task(stand.score())
        await stand.blue.asked.wait()
        old = stand.targets["blue"]

        stand.route({"green": 100}, targets={"green": stand.targets["green"]})
        second = await stand.score()
        drained_early = await old.drain(timeout_seconds=0.05)
        stand.blue.may_answer.set()

        assert second[1]["from"] == "green"
        assert not drained_early
        assert (await first)[1]["from"] == "blue"
        assert await old.drain(timeout_seconds=1.0)

    _run(scenario)


def test_no_request_fails_while_traffic_moves_under_load():
    async def scenario(stand):
        async def caller():
            return [(await stand.score())[0] for _ in range(25)]

        async def mover():
            for percent in range(0, 101, 5):
                stand.route({"blue": 100 - percent, "green": percent})
                await asyncio.sleep(0.005)

        results = await asyncio.gather(*(caller() for _ in range(8)), mover())

        assert {status for statuses in results[:-1] for status in statuses} == {200}
        assert stand.green.seen

    _run(scenario, draws=[0.05, 0.35, 0.65, 0.95])


def test_refused_connection_is_retried():
    async def scenario(stand):
        port = free_port()
        late = Target("blue", f"http://127.0.0.1:{port}", _GENEROUS)
        stand.route({"blue": 100}, targets={"blue": late})
        asked = asyncio.create_task(stand.score())
        await asyncio.sleep(0.02)
        app = web.Application()
        app.router.add_post("/score", stand.blue.handle)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()

        assert (await asked)[0] == 200
        await runner.cleanup()

    _run(scenario)


def test_deployment_that_is_down_or_closes_the_connection_is_424_without_a_retry():
    async def scenario(stand):
        down = Target("blue", f"http://127.0.0.1:{free_port()}", _GENEROUS)
        stand.route({"blue": 100}, targets={"blue": down})
        status, body, headers = await stand.score()
        assert (status, "no connection" in body["error"]["message"]) == (424, True)
        assert _model_error(headers) == ("503", "model_not_ready")

        stand.route({"blue": 100}, targets={})
        status, _, headers = await stand.score()
        assert (status, *_model_error(headers)) == (424, "503", "model_not_ready")

        stand.route({"blue": 100})
        stand.blue.break_off = True
        status, body, headers = await stand.score()
        assert (status, "broke off" in body["error"]["message"]) == (424, True)
        assert _model_error(headers) == ("502", "model_error")
        assert len(stand.blue.seen) == 1

    _run(scenario)


def _model_error(headers):
    return (
        headers["ms-azureml-model-error-statuscode"],
        headers["ms-azureml-model-error-reason"],
    )


def test_slow_answer_is_408_and_too_many_requests_are_429():
    async def scenario(stand):
        stand.blue.may_answer.clear()

        answers = await asyncio.gather(*(stand.score() for _ in range(5)))

        statuses = sorted(status for status, _, _ in answers)
        assert statuses == [408, 408, 429, 429, 429]
        assert stand.targets["blue"].in_flight == 0

    _run(scenario, limits=RequestLimits(timeout_seconds=0.2, most_in_flight=2))


def test_body_over_the_limit_is_413():
    async def scenario(stand):
        url = f"{stand.router.url}/e/score"
        headers = {"Authorization": "Bearer first-key"}
        for mebibytes, status in ((11, 413), (9, 200)):
            body = io.BytesIO(b"x" * (mebibytes << 20))
            async with stand.session.post(url, data=body, headers=headers) as answer:
                assert answer.status == status
        assert [len(body) for _, _, body in stand.blue.seen] == [9 << 20]

    _run(scenario)


@pytest.mark.parametrize("own", [201, 204, 400, 404, 500, 503])
def test_error_of_a_model_is_424_with_the_models_status_and_body(own):
    async def scenario(stand):
        async with stand.session.post(
            f"{stand.router.url}/e/score?status={own}",
            data=b"{}",
            headers={"Authorization": "Bearer first-key"},
        ) as answer:
            body = await answer.read()

        assert answer.status == 424
        assert _model_error(answer.headers) == (str(own), "model_error")
        assert body == (b"" if own == 204 else b'{"from": "blue"}')
        assert answer.headers["azureml-model-deployment"] == "blue"

    _run(scenario)


def test_request_id_is_replaced_by_a_guid():
    async def scenario(stand):
        _, _, headers = await stand.score(**{"x-request-id": "mine"})

        ((_, passed_on, _),) = stand.blue.seen
        assert uuid.UUID(headers["x-request-id"])
        assert passed_on["x-request-id"] == headers["x-request-id"]

    _run(scenario)


def test_body_that_does_not_match_its_encoding_is_400():
    async def scenario(stand):
        status = await stand.status(b"no gzip at all", **{"Content-Encoding": "gzip"})

        assert status == 400
        assert stand.blue.seen == []

    _run(scenario)
