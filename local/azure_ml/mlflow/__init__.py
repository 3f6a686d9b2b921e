"""The workspace's MLflow: a real server behind what Azure ML supports of its API.

Covered: experiments, runs, metrics, artefacts, registered models and their versions.
Refused with 404, as by Azure ML: logged models, aliases, everything else.
"""
