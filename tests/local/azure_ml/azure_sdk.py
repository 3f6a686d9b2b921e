"""Azure's SDK, imported once with its import-time warnings ignored."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from azure.ai.ml import Input, MLClient, Output, command, dsl, load_component
    from azure.ai.ml.entities import Data, Environment, Model
    from azure.ai.ml.exceptions import JobException
    from azure.identity import DefaultAzureCredential

__all__ = [
    "Data",
    "DefaultAzureCredential",
    "Environment",
    "Input",
    "JobException",
    "MLClient",
    "Model",
    "Output",
    "command",
    "dsl",
    "load_component",
]
