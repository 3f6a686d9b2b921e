"""Parts of benchmarks/drift_alarms.py: distributions to draw from, rules, and counts of alarms."""
