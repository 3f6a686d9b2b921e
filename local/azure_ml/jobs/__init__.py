"""Jobs: planned, queued, run as processes, and their run history.

Covered: `Pipeline` of command components and `Command`; queue, cancel, timeouts, reuse of steps.
Refused when submitted: distribution, sweep, spark, parallel, AutoML, nested pipelines.
"""
