"""How many examples Hypothesis tries; more with `--hypothesis-profile=thorough`."""

from __future__ import annotations

from hypothesis import settings

# Without a deadline: the first example waits for imports, and machines are busy at times.
settings.register_profile("quick", max_examples=30, deadline=None)
settings.register_profile("thorough", max_examples=300, deadline=None)
settings.load_profile("quick")
