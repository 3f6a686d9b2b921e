"""The worker: runs the app's functions, in the app's own Python environment.

It may import the standard library and azure.functions only: what the app needs and did not list
in its requirements must fail here, as it would on Azure.
"""
