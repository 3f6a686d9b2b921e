"""Event Grid on this machine: subscriptions, filters, retries, dead letters, custom topics."""

from local.event_grid.faults import Faults
from local.event_grid.journal import Delivery
from local.event_grid.service import EventGrid, SubscriptionStatus

__all__ = ["Delivery", "EventGrid", "Faults", "SubscriptionStatus"]
