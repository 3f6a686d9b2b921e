"""The commands to a running stack; each returns the text that it prints."""
