"""Supervision of the stack's processes, whatever happens to the stack.

Child processes and their health checks, the restart policy, the reaper that ends what a killed
stack has left, locks, port allocation, background tasks, databases of one process at a time.
"""
