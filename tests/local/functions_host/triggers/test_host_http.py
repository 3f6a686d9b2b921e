from __future__ import annotations

import asyncio
import json
import stat

import pytest

pytestmark = [pytest.mark.anyio, pytest.mark.azurite]


async def test_request_and_response_pass_unchanged(shop, http):
    host = await shop.started()

    response, text = await http(
        "POST",
        f"{host.url}/api/echo?x=1&x=2&empty=&code={host.function_key}",
        data="Grüße",
        headers={"X-Thing": "a"},
    )

    seen = json.loads(text)
    assert (response.status, response.content_type) == (201, "application/json")
    assert response.headers["X-Shop"] == "yes"
    assert response.cookies["basket"].value == "1"
    assert (seen["method"], seen["body"]) == ("POST", "Grüße")
    assert seen["params"] == {"x": "1,2", "code": host.function_key}
    assert seen["headers"]["x-thing"] == "a"
    assert seen["url"].startswith(f"{host.url}/api/echo?x=1")
    assert (seen["function"], seen["directory"], seen["setting"]) == ("echo", "shop", "corner")


async def test_each_key_opens_only_its_auth_levels(shop, http):
    host = await shop.started()
    keys = json.loads((shop.folder / "host" / "keys.json").read_text(encoding="utf-8"))

    async def status(path, key):
        response, _ = await http("GET", host.url + path, headers={"x-functions-key": key})
        return response.status

    assert await status("/api/items/1", "") == 200
    assert await status("/api/echo", "") == 401
    assert await status("/api/echo", "wrong") == 401
    assert await status("/api/echo", keys["functions"]["admin_only"]) == 401
    assert await status("/api/echo", keys["functions"]["echo"]) == 201
    assert await status("/api/echo", host.master_key) == 201
    assert await status("/api/admin-only", host.function_key) == 401
    assert await status("/api/admin-only", host.master_key) == 200
    assert await status("/admin/functions", host.function_key) == 401
    mode = (shop.folder / "host" / "keys.json").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


@pytest.mark.parametrize(
    ("path", "header", "status"),
    [
        ("/api/echo", b"x-functions-key: \xff\xfe", 400),
        ("/api/items/1", b"x-name: caf\xe9", 400),
        ("/api/items/1", "x-name: café".encode(), 200),
        ("/api/echo?code=%FF", b"x-name: a", 401),
    ],
)
async def test_header_that_is_not_utf8_is_400(shop, path, header, status):
    host = await shop.started()
    reader, writer = await asyncio.open_connection("127.0.0.1", int(host.url.rpartition(":")[2]))

    writer.write(
        b"GET %b HTTP/1.1\r\nHost: x\r\n%b\r\nConnection: close\r\n\r\n" % (path.encode(), header)
    )
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()

    assert answer.startswith(b"HTTP/1.1 %d " % status)


async def test_admin_routes_ignore_case(shop, http):
    host = await shop.started()

    response, _ = await http("GET", f"{host.url}/Admin/Host/Ping")
    status, _ = await http(
        "GET", f"{host.url}/ADMIN/host/Status", headers={"x-functions-key": host.master_key}
    )
    function, _ = await http(
        "GET", f"{host.url}/admin/functions/ECHO", headers={"x-functions-key": host.master_key}
    )

    assert (response.status, status.status, function.status) == (200, 200, 200)


async def test_error_message_with_lone_surrogates_still_ends_the_call(shop, http):
    code = """
import azure.functions as func
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
@app.route(route="fails")
def fails(req: func.HttpRequest) -> str:
    raise ValueError("no file caf\\udce9.csv")
@app.route(route="answers")
def answers(req: func.HttpRequest) -> str:
    return "caf\\udce9"
"""
    host = await shop.started(shop.app(code))

    async with asyncio.timeout(20):
        failed, _ = await http("GET", f"{host.url}/api/fails")
        answered, _ = await http("GET", f"{host.url}/api/answers")

    assert (failed.status, answered.status) == (500, 500)
    assert "no file caf\\udce9.csv" in shop.log()


async def test_keys_survive_a_restart_of_the_host(shop):
    first = await shop.started()
    key = first.master_key
    await first.stop()

    second = await shop.started()

    assert second.master_key == key


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/api/items/5", 200, '{"number": "5"}'),
        ("GET", "/API/Items/5", 200, '{"number": "5"}'),
        ("GET", "/api/items/five", 200, "name=five"),
        ("GET", "/api/items", 200, "name=None"),
        ("GET", "/api/items/a%2Fb", 200, "name=a/b"),
        ("GET", "/api/items/5/6", 404, ""),
        ("GET", "/api/files/a/b%20c", 200, "a/b c"),
        ("GET", "/api/files", 200, ""),
        ("POST", "/api/items/5", 404, ""),
        ("HEAD", "/api/items/5", 404, ""),
        ("OPTIONS", "/api/slow?seconds=0", 200, "done"),
        ("HEAD", "/api/slow?seconds=0", 200, ""),
        ("GET", "/items/5", 404, ""),
        ("GET", "/", 200, "The functions host is running.\n"),
        ("GET", "/api/fails", 500, ""),
        ("GET", "/api/nothing", 500, ""),
    ],
)
async def test_routes_answer_as_on_azure(  # noqa: PLR0917 - two fixtures and a table
    shop_host, http, method, path, status, text
):
    response, answer = await http(method, shop_host.url + path)

    assert (response.status, answer) == (status, text)


@pytest.fixture
async def shop_host(shop):
    return await shop.started()


async def test_exception_is_logged_with_the_lines_of_the_app(shop, http):
    host = await shop.started()

    await http("GET", f"{host.url}/api/fails")

    log = shop.log()
    assert "ValueError: the till is stuck" in log
    assert 'raise ValueError("the till is stuck")' in log
    assert "functions_host_worker" not in log


async def test_caller_gets_504_at_the_limit_while_the_function_continues(shop, http, until):
    host = await shop.started(http_limit_seconds=0.2)

    response, _ = await http("GET", f"{host.url}/api/slow?seconds=0.6")

    assert response.status == 504
    await until(lambda: "shop: slow is over" in shop.log())


async def test_body_above_the_limit_is_413(shop, http):
    host = await shop.started(settings={"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "1000"})

    response, _ = await http("POST", f"{host.url}/api/orders", data=b"x" * 1001)

    assert response.status == 413


async def test_slow_function_does_not_delay_others(shop, http):
    host = await shop.started(grace_seconds=0.1)

    slow = asyncio.create_task(http("GET", f"{host.url}/api/slow?seconds=2"))
    response, _ = await http("GET", f"{host.url}/api/items/5")
    done = slow.done()
    slow.cancel()

    assert response.status == 200
    assert not done


async def test_crashed_worker_is_replaced_and_its_call_fails(shop, http):
    host = await shop.started()
    before = host.worker.pid

    crashed, _ = await http("GET", f"{host.url}/api/crash")
    after, text = await http("GET", f"{host.url}/api/items/7")

    assert crashed.status == 500
    assert (after.status, text) == (200, '{"number": "7"}')
    assert host.worker.pid != before
    assert "last words" in shop.log()
    assert "ended with code 3" in shop.log()


async def test_function_past_its_timeout_ends_with_its_worker(shop, http):
    app = shop.app(
        "import time\nimport azure.functions as func\napp = func.FunctionApp('ANONYMOUS')\n"
        "@app.route(route='hang')\ndef hang(req: func.HttpRequest) -> str:\n    time.sleep(600)\n"
        "@app.route(route='ok')\ndef ok(req: func.HttpRequest) -> str:\n    return 'ok'\n",
        host_json='{"version": "2.0", "functionTimeout": "00:00:01"}',
    )
    host = await shop.started(app)

    hung, _ = await http("GET", f"{host.url}/api/hang")
    well, text = await http("GET", f"{host.url}/api/ok")

    assert (hung.status, well.status, text) == (500, 200, "ok")
    assert "longer than functionTimeout" in shop.log()


async def test_calls_failed_by_a_hung_function_name_that_function(shop, http):
    app = shop.app(
        "import asyncio\nimport azure.functions as func\napp = func.FunctionApp('ANONYMOUS')\n"
        "@app.route(route='hang')\nasync def hang(req: func.HttpRequest) -> str:\n"
        "    await asyncio.sleep(600)\n"
        "@app.route(route='well')\nasync def well(req: func.HttpRequest) -> str:\n"
        "    await asyncio.sleep(600)\n",
        host_json='{"version": "2.0", "functionTimeout": "00:00:02"}',
    )
    host = await shop.started(app)

    async def later():
        await asyncio.sleep(1)
        return await http("GET", f"{host.url}/api/well")

    await asyncio.gather(http("GET", f"{host.url}/api/hang"), later())

    (told,) = [line for line in shop.log().splitlines() if "Functions.well' (Failed" in line]
    assert "restarted because hang ran longer than functionTimeout (2.0 s)" in told


@pytest.mark.parametrize(
    ("app", "answer"), [("asgi", "POST /any/where 3 1"), ("wsgi", "POST /any/where")]
)
async def test_asgi_and_wsgi_apps_are_served(shop, http, app, answer):
    host = await shop.started(app)

    await http("POST", f"{host.url}/first", data=b"")
    response, text = await http("POST", f"{host.url}/any/where", data=b"abc")

    assert (response.status, text) == (200, answer)


async def test_master_key_shows_status_and_functions(shop, http):
    host = await shop.started()
    key = {"x-functions-key": host.master_key}

    _, status = await http("GET", f"{host.url}/admin/host/status", headers=key)
    _, functions = await http("GET", f"{host.url}/admin/functions", headers=key)
    unknown, _ = await http("GET", f"{host.url}/admin/functions/none", headers=key)

    assert json.loads(status)["state"] == "Running"
    described = {item["name"]: item for item in json.loads(functions)}
    assert described["echo"]["invokeUrlTemplate"] == f"{host.url}/api/echo"
    assert described["pack"]["config"]["bindings"][1]["queueName"] == "%ORDERS%"
    assert unknown.status == 404


async def test_unfinished_request_does_not_delay_the_stop_of_the_host(shop):
    host = await shop.started()
    _, writer = await asyncio.open_connection("127.0.0.1", int(host.url.rpartition(":")[2]))
    writer.write(b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
    await writer.drain()

    async with asyncio.timeout(20):  # of which the worker may need five
        await host.stop()

    writer.close()


async def test_disabled_function_is_not_served(shop, http):
    host = await shop.started(settings={"AzureWebJobs.echo.Disabled": "true"})

    response, _ = await http("GET", f"{host.url}/api/echo?code={host.master_key}")

    assert response.status == 404


async def test_taken_port_of_the_host_is_named_with_the_remedy(shop):
    first = await shop.started()
    second = shop.host(name="second", port=int(first.url.rpartition(":")[2]))

    with pytest.raises(Exception, match=r"cannot be used.*choose another"):
        await second.start()
