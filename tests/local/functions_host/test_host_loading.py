from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from local.errors import LocalStackError
from local.functions_host import FunctionAppError

pytestmark = [pytest.mark.anyio, pytest.mark.azurite]

HEAD = "import typing\nimport azure.functions as func\napp = func.FunctionApp()\n"
QUEUE = "@app.queue_trigger(arg_name='m', queue_name='orders', connection='')\n"
BODY = "def f(m: func.QueueMessage) -> None: ...\n"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import no_such_package", r"No module named 'no_such_package'(.|\n)*requirements.txt"),
        ("import no_such_package", r"function_app.py\", line 1"),
        ("1 / 0", r"ZeroDivisionError(.|\n)*line 1"),
        ("def f(:", r"SyntaxError"),
        ("import sys; sys.exit(5)", r"ended with code 5 before the app was indexed"),
        ("import asyncio; asyncio.run(asyncio.sleep(0))", r"cannot be called from a running"),
        ("x = 1", r"Could not find top level function app"),
        (HEAD + "other = func.FunctionApp()", r"More than one FunctionApp"),
        (HEAD, r"registers no function"),
        (
            HEAD + QUEUE + "@app.queue_output(arg_name='o', queue_name='out', connection='')\n"
            "def f(m: str, o: func.Out[list[str]]) -> None: ...\n",
            r"cannot load the f function: binding o has invalid non-type annotation",
        ),
        (
            HEAD + QUEUE + "def f(m: typing.Optional[str]) -> None: ...\n",
            r"invalid non-type annotation",
        ),
        (HEAD + QUEUE + "def f(m: int) -> None: ...\n", r"does not match its Python annotation"),
        (HEAD + QUEUE + "def f(m: str, n: str) -> None: ...\n", r"not in its decorators: \['n'\]"),
        (HEAD + QUEUE + "def f() -> None: ...\n", r"not in Python: \['m'\]"),
        (
            HEAD + "@app.retry(strategy='fixed_delay', max_retry_count='2',"
            " delay_interval='00:00:01')\n" + QUEUE + BODY,
            r"function 'f': @retry is accepted by Azure on this trigger and does nothing",
        ),
        (
            HEAD + QUEUE.replace("connection=''", "connection='Elsewhere'") + BODY,
            r"'f': binding 'm': connection 'Elsewhere' is not an app setting",
        ),
        (HEAD + QUEUE.replace("orders", "%MISSING%") + BODY, r"app setting 'MISSING'"),
        (HEAD + QUEUE.replace("orders", "No_Queue") + BODY, r"queue name 'no_queue' must be"),
        (
            HEAD + "@app.timer_trigger(arg_name='t', schedule='not a cron')\n"
            "def f(t: func.TimerRequest) -> None: ...\n",
            r"binding 't': 'not a cron' has 3 fields",
        ),
        (
            HEAD + "@app.blob_trigger(arg_name='b', path='in/{name}', connection='')\n"
            "def f(b: func.InputStream) -> None: ...\n",
            r"function 'f': binding 'b': blobTrigger \(in\) is not supported",
        ),
        (
            HEAD + QUEUE + "@app.cosmos_db_output(arg_name='d', database_name='a',"
            " container_name='b', connection='c')\n"
            "def f(m: str, d: func.Out[func.Document]) -> None: ...\n",
            r"function 'f': binding 'd': cosmosDB \(out\) is not supported",
        ),
        (
            HEAD + "@app.route(route='admin/x')\n" + "def f(req: func.HttpRequest) -> str: ...\n",
            None,
        ),
        (
            HEAD + "@app.route(route='x/{id:roman}')\ndef f(req: func.HttpRequest) -> str: ...\n",
            r"constraint 'roman' is not supported",
        ),
        (HEAD + "@app.function_name('9')\n" + QUEUE + BODY, r"the name must match"),
    ],
)
async def test_app_that_azure_or_this_host_refuses_is_refused_with_the_reason(shop, code, message):
    host = shop.host(shop.app(code))

    if message is None:  # below the prefix "api" nothing is reserved
        await host.start()
        return
    with pytest.raises(LocalStackError, match=message):
        await host.start()


async def test_all_mistakes_of_an_app_are_listed(shop):
    code = HEAD + QUEUE.replace("orders", "%A%") + BODY + QUEUE.replace("orders", "%B%")
    host = shop.host(shop.app(code + "def g(m: str) -> None: ...\n"))

    with pytest.raises(FunctionAppError) as refused:
        await host.start()

    assert "function 'f'" in str(refused.value)
    assert "function 'g'" in str(refused.value)


async def test_folder_without_a_v2_app_is_refused(shop, tmp_path):
    with pytest.raises(FunctionAppError, match=r"holds no function_app.py.*function.json"):
        await shop.host(Path(tmp_path)).start()


async def test_missing_interpreter_is_named(shop):
    host = shop.host()
    host._python = Path("/nowhere/python")

    with pytest.raises(LocalStackError, match=r"cannot start /nowhere/python"):
        await host.start()


async def test_unsupported_app_settings_are_refused(shop):
    with pytest.raises(FunctionAppError, match="WEBSITE_TIME_ZONE='CET' is not supported"):
        await shop.started(settings={"WEBSITE_TIME_ZONE": "CET"})


async def test_damaged_keys_file_is_named_with_the_remedy(shop):
    (shop.folder / "host").mkdir()
    (shop.folder / "host" / "keys.json").write_text("{", encoding="utf-8")

    with pytest.raises(FunctionAppError, match=r"keys.json cannot be read.*delete it"):
        await shop.started()


async def test_worker_sees_the_app_settings_and_nothing_of_the_host(shop):
    app = shop.app(
        HEAD + "import os, sys\n"
        "names = {n.split('.')[0] for n in sys.modules}\n"
        "print('foreign', sorted(names & {'aiohttp', 'local', 'croniter', 'psutil'}), flush=True)\n"
        "print('path', os.environ.get('PYTHONPATH'), 'stdin', repr(sys.stdin.read()), flush=True)\n"
        "print('last on path', sys.path[-1] == os.getcwd(), flush=True)\n" + QUEUE + BODY
    )

    await shop.started(app)

    log = shop.log()
    assert "foreign []" in log
    assert "path None stdin ''" in log
    assert "last on path True" in log


async def test_temporary_files_of_an_app_are_removed_with_its_worker(shop):
    app = shop.app(
        HEAD + "import tempfile\n"
        "print('forgotten:', tempfile.mkdtemp(), flush=True)\n" + QUEUE + BODY
    )

    host = await shop.started(app)
    forgotten = anyio.Path(shop.log().partition("forgotten: ")[2].splitlines()[0])
    there = await forgotten.is_dir()
    await host.stop()

    assert there
    assert not await forgotten.parent.exists()
