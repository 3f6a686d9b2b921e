"""Managed online endpoints: deployments as real servers, a router, a data collector.

Covered: several deployments, weighted and mirror traffic, keys, logs, data collection.
Refused: tokens as keys, deployments without code, Kubernetes and batch endpoints.
"""
