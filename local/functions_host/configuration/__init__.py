"""Reads an app's configuration: functions and bindings, host.json, settings, schedules."""
