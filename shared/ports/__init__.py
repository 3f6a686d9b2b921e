"""What the use cases need from outside, as protocols; one module a part, imported where needed.

Each port has a double in `shared/adapters/in_memory` that passes the same contract suite as the
real adapter. No SDK error crosses a port: adapters translate at their border (`shared/errors.py`).
Every port's methods may raise `ServiceBusyError` or `TimedOutError`; that is not repeated.
"""
