"""The stack on one machine: storage, events, a Functions host and Azure ML, for any v2 app.

Nothing here knows the application it runs: the application is a folder and a stack file.
"""
