"""Events, queues and webhooks for the tests of Event Grid."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from pathlib import Path

from aiohttp import web
from azure.core.credentials import AccessToken
from azure.storage.blob.aio import BlobServiceClient

DEAD_STORAGE = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=bm90IGEga2V5;"
    "BlobEndpoint=http://127.0.0.1:9/devstoreaccount1;"
    "QueueEndpoint=http://127.0.0.1:9/devstoreaccount1;"
)
ROOT = Path(__file__).resolve().parents[3]
FAST = 1000.0  # ten seconds of Azure's schedule in a hundredth of one
TOKEN = "Bearer token-of-this-stack"


def blob_created(number=0, **data):
    return {
        "id": f"event-{number}",
        "topic": "/subscriptions/0/storage",
        "subject": f"/blobServices/default/containers/landing/blobs/{number}.csv",
        "eventType": "Microsoft.Storage.BlobCreated",
        "eventTime": "2026-03-14T06:00:00.0000000Z",
        "data": {"api": "PutBlob", "number": number, **data},
        "dataVersion": "",
        "metadataVersion": "1",
    }


async def until(condition, *, seconds=20.0):
    """Wait until background work makes it true; the deadline only ends a failing test."""
    deadline = time.monotonic() + seconds
    while not (
        found := await condition() if asyncio.iscoroutinefunction(condition) else condition()
    ):
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.01)
    return found


async def received(queue, count):
    """The events in a queue, once there are `count` of them; none is left."""
    found = []

    async def all_there():
        messages = [message async for message in queue.receive_messages(messages_per_page=32)]
        await asyncio.gather(*(queue.delete_message(message) for message in messages))
        found.extend(json.loads(base64.b64decode(message.content)) for message in messages)
        return len(found) >= count

    await until(all_there)
    return found


async def dead_letters(storage, container, count=1):
    async with BlobServiceClient.from_connection_string(storage) as service:
        client = service.get_container_client(container)

        async def all_there():
            names = [blob.name async for blob in client.list_blobs()]
            return names if len(names) >= count else None

        names = await until(all_there)
        return {
            name: json.loads(await (await client.download_blob(name)).readall()) for name in names
        }


class Webhook:
    """An endpoint on its own port, which answers what the test tells it to."""

    def __init__(self):
        self.requests = []
        self.agrees = True
        self.statuses = []
        self.url = ""

    async def handle(self, request):
        body = await request.text()
        self.requests.append((request.method, dict(request.headers), body and json.loads(body)))
        if request.method == "OPTIONS":
            allowed = {"WebHook-Allowed-Origin": "eventgrid.azure.net"} if self.agrees else {}
            return web.Response(headers=allowed)
        if request.headers["aeg-event-type"] == "SubscriptionValidation":
            code = json.loads(body)[0]["data"]["validationCode"]
            return web.json_response({"validationResponse": code} if self.agrees else {})
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    def notifications(self):
        return [
            (headers, body)
            for _, headers, body in list(self.requests)
            if headers.get("aeg-event-type") == "Notification"
        ]


def to_queue(name, **fields):
    return {"name": "to-queue", "source": "storage", "destination": {"queue": name}, **fields}


def to_webhook(hook, **fields):
    return {"name": "to-hook", "source": "storage", "destination": {"webhook": hook.url}, **fields}


class StackToken:
    def get_token(self, *_, **__):
        return AccessToken(TOKEN.removeprefix("Bearer "), int(time.time()) + 3600)


def custom(schema="EventGridSchema"):
    return [{"name": "drift", "schema": schema}]


def from_topic(name, **fields):
    return to_queue(name, source="drift", **fields)
