"""Parts of benchmarks/drift_alarms.py: worlds to draw from, rules to judge by, counts of alarms."""
