"""What an app says of itself: functions and their bindings, host.json, settings, schedules."""
