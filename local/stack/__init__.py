"""One stack: what is set up around an application, and the services that are wired together."""
