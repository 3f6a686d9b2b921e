"""The smallest app with a queue trigger: what any app pays before its own first line."""

import logging

import azure.functions as func

app = func.FunctionApp()
log = logging.getLogger("hello")


@app.queue_trigger(arg_name="message", queue_name="hello", connection="AzureWebJobsStorage")
def hello(message: func.QueueMessage) -> None:
    """Log the message."""
    log.info("hello %s", message.get_body().decode())
