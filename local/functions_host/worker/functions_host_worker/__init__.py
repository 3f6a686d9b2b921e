"""The worker: runs the app's functions, in the app's own Python environment.

It may import the standard library and azure.functions only: a package that is missing in the
app's requirements must fail here, as it does on Azure.
"""
