"""The function app: every blueprint registered, nothing else. Triggers live in `functions/`."""

import azure.functions as func

from functions import (
    data_set,
    drift_report,
    drift_timer,
    events_queue,
    operations,
    reconcile_timer,
    work_queue,
)

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
for module in (
    events_queue,
    work_queue,
    drift_timer,
    reconcile_timer,
    operations,
    data_set,
    drift_report,
):
    app.register_functions(module.blueprint)
