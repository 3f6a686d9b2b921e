"""Azure ML's control plane, for the unmodified SDK and MLflow's client.

Covered: see the packages `workspace`, `jobs`, `mlflow` and `endpoints`, and README.md.
Refused with 501 and the route's name: every other route.
"""
