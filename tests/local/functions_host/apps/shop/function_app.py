# ruff: noqa: ARG001, PTH119, T201, UP006, UP031 - another team's app
"""A shop: another team's app, which the host must run unchanged."""

import json
import logging
import os
import time
import typing

import azure.functions as func
from stock.levels import bp

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
app.register_functions(bp)

log = logging.getLogger("shop")


@app.route(route="echo")
def echo(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    seen = {
        "method": req.method,
        "url": req.url,
        "params": dict(req.params),
        "headers": dict(req.headers),
        "body": req.get_body().decode(),
        "function": context.function_name,
        "invocation": context.invocation_id,
        "directory": os.path.basename(context.function_directory),
        "setting": os.environ.get("SHOP_NAME"),
    }
    return func.HttpResponse(
        json.dumps(seen),
        status_code=201,
        headers={"X-Shop": "yes", "Set-Cookie": "basket=1; Path=/; HttpOnly"},
        mimetype="application/json",
    )


@app.route(route="admin-only", auth_level=func.AuthLevel.ADMIN)
def admin_only(req: func.HttpRequest) -> str:
    return "secret"


@app.route(route="fails", auth_level=func.AuthLevel.ANONYMOUS)
def fails(req: func.HttpRequest) -> str:
    raise ValueError("the till is stuck")


@app.route(route="nothing", auth_level=func.AuthLevel.ANONYMOUS)
def nothing(req: func.HttpRequest):
    return None


@app.route(route="slow", auth_level=func.AuthLevel.ANONYMOUS)
def slow(req: func.HttpRequest) -> str:
    time.sleep(float(req.params["seconds"]))
    log.info("slow is over")
    return "done"


@app.route(route="crash", auth_level=func.AuthLevel.ANONYMOUS)
def crash(req: func.HttpRequest) -> str:
    print("last words", flush=True)
    os._exit(3)


@app.route(route="orders", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@app.queue_output(arg_name="orders", queue_name="%ORDERS%", connection="AzureWebJobsStorage")
def order(req: func.HttpRequest, orders: func.Out[typing.List[str]]) -> func.HttpResponse:
    orders.set(req.get_json())
    return func.HttpResponse(status_code=202)


@app.queue_trigger(arg_name="msg", queue_name="%ORDERS%", connection="AzureWebJobsStorage")
@app.queue_output(arg_name="$return", queue_name="%PACKED%", connection="AzureWebJobsStorage")
def pack(msg: func.QueueMessage) -> str:
    text = msg.get_body().decode()
    log.info("packing %s", text)
    if text.startswith("broken"):
        raise RuntimeError(f"cannot pack {text}")
    if text.startswith("slow"):
        time.sleep(float(text.split()[1]))
    if text.startswith("crash"):
        os._exit(4)
    return "packed %s, id %s, try %s, until %s" % (
        text,
        msg.id,
        msg.dequeue_count,
        msg.expiration_time.year > 2000,
    )


@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
@app.blob_output(arg_name="report", path="%REPORTS%/yearly.json", connection="AzureWebJobsStorage")
def yearly(timer: func.TimerRequest, report: func.Out[str]) -> None:
    report.set(json.dumps({"past_due": timer.past_due, "status": timer.schedule_status}))


@app.event_grid_trigger(arg_name="event")
@app.blob_output(
    arg_name="copy",
    path="%REPORTS%/events/{data.kind}.json",
    connection="AzureWebJobsStorage",
)
def on_event(event: func.EventGridEvent, copy: func.Out[str]) -> None:
    if event.get_json().get("kind") == "bad":
        raise RuntimeError("bad event")
    copy.set(json.dumps({"id": event.id, "type": event.event_type, "data": event.get_json()}))
