"""Event Grid: topics, subscriptions, deliveries that survive a restart.

Covered: system topics of storage and the workspace, custom topics over HTTPS (key, SAS or token),
subject and advanced filters, both schemas, queue and webhook destinations with the validation
handshake, retries with Azure's schedule, dead letters.
Refused when the stack file is read: other destinations, batching, delivery properties, domains.
"""

from local.event_grid.faults import Faults
from local.event_grid.journal import Delivery
from local.event_grid.service import EventGrid, SubscriptionStatus

__all__ = ["Delivery", "EventGrid", "Faults", "SubscriptionStatus"]
