"""What the use cases need from outside, as protocols; one module per subject.

Each port has a fake in `shared/adapters/in_memory` that passes the same contract suite as the real
adapter. No SDK error crosses a port: adapters translate them (`shared/errors.py`). Every method may
raise `ServiceBusyError` or `TimedOutError`; the docstrings do not repeat this.
"""
