"""A blueprint: what the shop knows about its stock."""

import json

import azure.functions as func

bp = func.Blueprint()


@bp.route(route="items/{item:int}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def item_by_number(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(
        json.dumps({"number": req.route_params["item"]}), mimetype="application/json"
    )


@bp.route(route="items/{name?}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def item_by_name(req: func.HttpRequest) -> str:
    return f"name={req.route_params.get('name')}"


@bp.route(route="files/{*path}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def files(req: func.HttpRequest) -> str:
    return req.route_params.get("path", "")
