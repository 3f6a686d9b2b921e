"""Blob events for Azurite, which has none: a proxy in front of its blob service."""

from local.storage_events.proxy import StorageEventsProxy

__all__ = ["StorageEventsProxy"]
