from __future__ import annotations

import asyncio
import contextlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob.aio import BlobServiceClient

from local.functions_host import FunctionAppError, InvocationError

pytestmark = [pytest.mark.anyio, pytest.mark.azurite]

HEAD = "import azure.functions as func\napp = func.FunctionApp()\n"
EVERY_SECOND = HEAD + (
    "@app.timer_trigger(arg_name='t', schedule='* * * * * *')\n"
    "def tick(t: func.TimerRequest) -> None:\n    print('tick', t.past_due, flush=True)\n"
)


async def remember(shop, last_utc):
    """Write the status of the timer `yearly`, as an earlier run of the host would have."""
    async with BlobServiceClient.from_connection_string(shop.connection) as service:
        container = service.get_container_client("azure-webjobs-hosts")
        with contextlib.suppress(ResourceExistsError):
            await container.create_container()
        await container.upload_blob(
            f"timers/{shop.names['REPORTS']}/yearly/status",
            json.dumps(
                {
                    "Last": last_utc.isoformat(),
                    "Next": (last_utc + timedelta(days=365)).isoformat(),
                    "LastUpdated": last_utc.isoformat(),
                }
            ),
            overwrite=True,
        )


async def test_timer_fires_on_schedule_on_one_host_only(shop, until):
    app = shop.app(EVERY_SECOND)
    await shop.started(app)
    await shop.started(app, name="second")
    await until(lambda: "tick" in shop.log() + shop.log("second"))
    began = asyncio.get_running_loop().time()

    await asyncio.sleep(3)

    took = asyncio.get_running_loop().time() - began
    ticks = [shop.log(name).count("tick False") for name in ("host", "second")]
    assert min(ticks) == 0
    assert 2 <= max(ticks) <= took + 2


async def test_second_host_takes_over_timers_when_the_first_stops(shop, until):
    app = shop.app(EVERY_SECOND)
    first = await shop.started(app)
    await until(lambda: "tick" in shop.log())
    await shop.started(app, name="second")

    await first.stop()

    await until(lambda: "tick" in shop.log("second"))


async def test_missed_timer_runs_are_caught_up_once_as_past_due(shop):
    await remember(shop, datetime(2020, 1, 1, tzinfo=UTC))

    host = await shop.started()
    report = json.loads(await shop.blob("REPORTS", "yearly.json"))

    assert report["past_due"] is True
    assert report["status"]["Last"].startswith("2020-01-01")
    await host.stop()
    again = await shop.started(name="again")
    await asyncio.sleep(0.5)
    assert "Executing 'Functions.yearly'" not in shop.log("again")
    assert again.worker.is_ready


async def test_timer_that_never_ran_waits_for_its_first_occurrence(shop):
    await shop.started()

    status = json.loads(
        await shop.blob("azure-webjobs-hosts", f"timers/{shop.names['REPORTS']}/yearly/status")
    )

    assert status["Next"].startswith(f"{datetime.now(UTC).year + 1}-01-01T00:00:00")
    assert "Executing 'Functions.yearly'" not in shop.log()


async def test_timer_can_be_fired_by_admin_route_and_by_name(shop, http):
    host = await shop.started()
    url = f"{host.url}/admin/functions/yearly"
    key = {"x-functions-key": host.master_key}

    closed, _ = await http("POST", url, json={})
    unknown, _ = await http("POST", f"{url}x", json={}, headers=key)
    text, _ = await http("POST", url, data="{}", headers=key | {"Content-Type": "text/plain"})
    fired, _ = await http("POST", url, json={}, headers=key)

    assert [closed.status, unknown.status, text.status, fired.status] == [401, 404, 415, 202]
    assert json.loads(await shop.blob("REPORTS", "yearly.json"))["past_due"] is False
    await host.fire_timer("yearly")
    assert shop.log().count("Executed 'Functions.yearly' (Succeeded") == 2
    with pytest.raises(FunctionAppError, match="no timer function 'weekly'; there are: yearly"):
        await host.fire_timer("weekly")


async def test_run_on_startup_fires_the_timer_when_the_host_starts(shop, until):
    app = shop.app(
        HEAD + "@app.timer_trigger(arg_name='t', schedule='0 0 0 1 1 *', run_on_startup=True)\n"
        "def boot(t: func.TimerRequest) -> None:\n    print('booted', flush=True)\n"
    )

    await shop.started(app)

    await until(lambda: "booted" in shop.log())


async def test_failing_timer_is_retried_by_its_policy(shop):
    app = shop.app(
        HEAD
        + "@app.retry(strategy='fixed_delay', max_retry_count='2', delay_interval='00:00:00')\n"
        "@app.timer_trigger(arg_name='t', schedule='0 0 0 1 1 *')\n"
        "def fails(t: func.TimerRequest, context: func.Context) -> None:\n"
        "    r = context.retry_context\n"
        "    print('try', r.retry_count, 'of', r.max_retry_count, flush=True)\n"
        "    raise RuntimeError('no')\n"
    )
    host = await shop.started(app)

    with pytest.raises(InvocationError, match="RuntimeError: no"):
        await host.fire_timer("fails")

    tries = [f"try {number} of 2" for number in range(4)]
    assert [shop.log().count(line) for line in tries] == [1, 1, 1, 0]
