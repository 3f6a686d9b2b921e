"""Blob events for Azurite, which has none: a proxy in front of its blob service.

Covered: BlobCreated and BlobDeleted of every operation that makes or ends a blob, in the event
schema of Storage; what happened while the proxy was away is found by a scan.
Not there: events of directories, tiers, snapshots and lifecycle policies.
"""

from local.storage_events.proxy import StorageEventsProxy

__all__ = ["StorageEventsProxy"]
