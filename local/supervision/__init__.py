"""What keeps the stack's processes in order, whatever happens to it.

Child processes and their health checks, the restart policy, the reaper that ends what a killed
stack has left, locks, port allocation, background tasks, databases of one process at a time.
"""
