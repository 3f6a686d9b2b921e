"""One stack: its configuration, and the services wired together around an application."""
