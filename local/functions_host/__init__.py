"""A Functions host for any Python v2 app, on azure-functions' own converters."""

from local.functions_host.errors import FunctionAppError, HostStoppingError, InvocationError
from local.functions_host.host import FunctionsHost

__all__ = ["FunctionAppError", "FunctionsHost", "HostStoppingError", "InvocationError"]
