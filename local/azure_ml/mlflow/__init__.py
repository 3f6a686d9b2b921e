"""The workspace's MLflow: a real server, limited to the API that Azure ML supports.

Covered: experiments, runs, metrics, artefacts, registered models and their versions.
Refused with 404, as by Azure ML: logged models, aliases, everything else.
"""
