"""Triggers and output bindings: what starts a function, and what becomes of its results."""
