"""Triggers start functions; output bindings write their results."""
