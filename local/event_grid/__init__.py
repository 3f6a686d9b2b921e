"""Event Grid on this machine: subscriptions, filters, retries, dead letters, custom topics."""

from local.event_grid.faults import Faults
from local.event_grid.service import EventGrid

__all__ = ["EventGrid", "Faults"]
