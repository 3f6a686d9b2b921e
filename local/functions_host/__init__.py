"""A Functions host for any Python v2 app, on azure-functions' own converters.

Covered: HTTP (ASGI and WSGI too), queue, timer and Event Grid triggers; queue, blob and HTTP
outputs; retries and poison queues; keys and the admin routes that run a function now.
Refused when the app is loaded, by name: every other binding.
"""

from local.functions_host.errors import FunctionAppError, HostStoppingError, InvocationError
from local.functions_host.host import FunctionsHost

__all__ = ["FunctionAppError", "FunctionsHost", "HostStoppingError", "InvocationError"]
