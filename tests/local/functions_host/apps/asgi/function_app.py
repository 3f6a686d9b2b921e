"""Any ASGI app behind the library's adapter."""

import azure.functions as func

started = []


async def site(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                started.append(True)
                await send({"type": "lifespan.startup.complete"})
            else:
                await send({"type": "lifespan.shutdown.complete"})
                return
    request = await receive()
    text = f"{scope['method']} {scope['path']} {len(request['body'])} {len(started)}"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-asgi", b"1")]})
    await send({"type": "http.response.body", "body": text.encode()})


app = func.AsgiFunctionApp(app=site, http_auth_level=func.AuthLevel.ANONYMOUS)
