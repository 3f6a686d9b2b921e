from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import psutil
import pytest

pytestmark = [pytest.mark.anyio, pytest.mark.azurite]

APPS = Path(__file__).resolve().parents[1] / "apps"
ROOT = Path(__file__).resolve().parents[4]


async def test_each_item_of_a_list_output_triggers_the_next_function(shop, http):
    host = await shop.started()

    response, _ = await http("POST", f"{host.url}/api/orders", json=["tea", "milk"])
    packed = await shop.received("PACKED", 2)

    assert response.status == 202
    assert [text.split(",")[0] for text in packed] == ["packed milk", "packed tea"]
    assert all("try 1, until True" in text for text in packed)
    assert await shop.left("ORDERS") == 0


async def test_json_members_of_a_message_replace_its_properties(shop):
    await shop.started()

    await shop.send("ORDERS", json.dumps({"id": "mine", "kind": "x"}))
    (packed,) = await shop.received("PACKED", 1)

    assert ", id mine, try 1" in packed


async def test_log_names_the_event_of_an_invocation(shop):
    await shop.started()

    await shop.send("ORDERS", json.dumps({"id": "event-1", "kind": "x"}))
    await shop.received("PACKED", 1)

    (details,) = [line for line in shop.log().splitlines() if "Trigger Details" in line]
    assert "DequeueCount=1, EventId=event-1)" in details
    invocation = details.partition("(Id=")[2].partition(",")[0]
    assert "Executing 'Functions.pack' (Reason='New queue message detected" in shop.log()
    assert f"Id={invocation})" in shop.log()


async def test_json_member_of_the_wrong_type_poisons_the_message_as_on_azure(shop):
    await shop.started()

    await shop.send("ORDERS", json.dumps({"dequeueCount": "many"}))
    (poisoned,) = await shop.received(shop.names["ORDERS"] + "-poison", 1)

    assert json.loads(poisoned) == {"dequeueCount": "many"}
    assert "cannot convert value of field 'DequeueCount'" in shop.log()


async def test_message_that_keeps_failing_moves_unchanged_to_the_poison_queue(shop):
    await shop.started()

    await shop.send("ORDERS", "broken plate", "cup")
    (poisoned,) = await shop.received(shop.names["ORDERS"] + "-poison", 1)
    (packed,) = await shop.received("PACKED", 1)

    assert poisoned == "broken plate"
    assert packed.startswith("packed cup")
    assert shop.log().count("'Functions.pack' (Failed") == 3
    assert await shop.left("ORDERS") == 0


async def test_message_that_is_not_base64_is_poisoned_with_the_remedy_in_the_log(shop):
    await shop.started()

    async with (
        shop.queue("ORDERS") as queue,
        shop.queue(shop.names["ORDERS"] + "-poison") as poison,
    ):
        await queue.send_message("plain text!")
        for _ in range(200):
            found = [message.content async for message in poison.receive_messages()]
            if found:
                break
            await asyncio.sleep(0.05)

    assert found == ["plain text!"]
    assert 'messageEncoding to "none"' in shop.log()


async def test_message_encoding_none_reads_and_writes_plain_text(shop):
    app = shop.app(
        "import azure.functions as func\napp = func.FunctionApp()\n"
        "@app.queue_trigger(arg_name='m', queue_name='%ORDERS%', connection='')\n"
        "@app.queue_output(arg_name='o', queue_name='%PACKED%', connection='')\n"
        "def copy(m: str, o: func.Out[str]) -> None:\n    o.set(m.upper())\n",
        host_json='{"version": "2.0", "extensions": {"queues": {"messageEncoding": "none"}}}',
    )
    await shop.started(app)

    async with shop.queue("ORDERS") as orders, shop.queue("PACKED") as packed:
        await orders.send_message("grüße <&>")
        for _ in range(200):
            found = [message.content async for message in packed.receive_messages()]
            if found:
                break
            await asyncio.sleep(0.05)

    assert found == ["GRÜSSE <&>"]


async def test_crash_of_the_worker_counts_as_a_failure_of_its_message_only(shop):
    await shop.started()

    await shop.send("ORDERS", "crash")
    (poisoned,) = await shop.received(shop.names["ORDERS"] + "-poison", 1, within=30)
    await shop.send("ORDERS", "tea")
    (packed,) = await shop.received("PACKED", 1)

    assert poisoned == "crash"
    assert packed.startswith("packed tea")


async def test_stop_waits_for_running_functions(shop, until):
    host = await shop.started()
    await shop.send("ORDERS", "slow 1")
    await until(lambda: "packing slow" in shop.log())

    await host.stop()

    assert await shop.left("ORDERS") == 0
    assert (await shop.received("PACKED", 1))[0].startswith("packed slow 1")


async def test_stop_past_its_grace_returns_the_message_to_the_queue(shop, until):
    first = await shop.started(grace_seconds=0.1)
    await shop.send("ORDERS", "slow 2")
    await until(lambda: "packing slow" in shop.log())

    await first.stop()
    await shop.started(name="second")

    (packed,) = await shop.received("PACKED", 1, within=8)
    assert "try 2" in packed


async def test_long_function_keeps_its_message_hidden(shop):
    await shop.started(lease_seconds=1)
    await shop.started(name="second", lease_seconds=1)

    await shop.send("ORDERS", "slow 3")
    (packed,) = await shop.received("PACKED", 1)

    assert "try 1" in packed
    assert (shop.log() + shop.log("second")).count("packing slow") == 1
    assert await shop.left("ORDERS") == 0


async def test_killed_host_ends_its_worker_and_its_message_is_delivered_again(shop, until):
    script = shop.folder / "host.py"
    script.write_text(
        "import asyncio, json, sys\nfrom pathlib import Path\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from local.functions_host import FunctionsHost\n"
        "options = json.loads(sys.argv[1])\n"
        "names = ('app_dir', 'python', 'state', 'log')\n"
        "paths = {name: Path(options.pop(name)) for name in names}\n"
        "async def main():\n"
        "    await FunctionsHost(**paths, **options).start()\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n",
        encoding="utf-8",
    )
    options = {
        "app_dir": str(APPS / "shop"),
        "python": sys.executable,
        "state": str(shop.folder / "killed"),
        "log": str(shop.folder / "killed.log"),
        "settings": shop.settings,
        "storage_connection_string": shop.connection,
        "lease_seconds": 2,
    }
    doomed = await asyncio.create_subprocess_exec(sys.executable, script, json.dumps(options))
    await until((shop.folder / "killed.log").exists)
    await until(lambda: "Host started" in shop.log("killed"), within=30)
    await shop.send("ORDERS", "slow 3")
    await until(lambda: "packing slow" in shop.log("killed"))
    workers = psutil.Process(doomed.pid).children()

    doomed.kill()
    await doomed.wait()

    await until(lambda: not any(worker.is_running() for worker in workers))
    await shop.started()
    (packed,) = await shop.received("PACKED", 1)
    assert "try 2" in packed


async def test_two_hosts_share_a_queue_without_losing_messages(shop):
    await shop.started()
    await shop.started(name="second")

    await shop.send("ORDERS", *(f"item {number}" for number in range(60)))
    packed = await shop.received("PACKED", 60, within=30)

    assert len({text.split(",")[0] for text in packed}) == 60
    assert await shop.left("ORDERS") == 0


async def test_queue_created_after_the_start_is_picked_up(shop):
    await shop.started()
    await asyncio.sleep(0.3)

    await shop.send("ORDERS", "late")

    assert (await shop.received("PACKED", 1))[0].startswith("packed late")


async def test_queue_function_can_be_triggered_manually(shop, http, until):
    host = await shop.started()

    response, _ = await http(
        "POST",
        f"{host.url}/admin/functions/pack",
        json={"input": "by hand"},
        headers={"x-functions-key": host.master_key},
    )

    assert response.status == 202
    await until(lambda: "packing by hand" in shop.log())
