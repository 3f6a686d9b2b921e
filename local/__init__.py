"""Azure on one machine, for any Python v2 function app: one folder per service.

| service | folder | covered |
| --- | --- | --- |
| Storage account | `azurite/` | blobs, queues and tables, by Microsoft's own Azurite |
| Storage events | `storage_events/` | BlobCreated and BlobDeleted, by a proxy in front of Azurite |
| Event Grid | `event_grid/` | topics, filters, queues and webhooks, retries, dead letters |
| Functions | `functions_host/` | HTTP, queue, timer and Event Grid triggers, the admin routes |
| Azure ML | `azure_ml/` | assets, jobs, MLflow, registry, online endpoints, managed identity |

Each folder's `__init__` says what is covered and what is refused. The services are built on
`environments/`, `serving/` and `supervision/`; `stack/` wires them together. Nothing here knows the
application that it runs: that is a folder and a stack file.
"""
