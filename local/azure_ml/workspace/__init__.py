"""The workspace: assets, models, datastores, storage and long-running operations.

Covered: GET of the workspace, datastores with SAS, codes, environments, components, data, models.
Refused with 501: connections, computes, schedules, feature stores, registries.
"""
