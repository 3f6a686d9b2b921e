"""Python environments for jobs, deployments and the function app, built with uv."""
