"""One performer for each type of effect: it does the effect, or looks how far it is.

A performer is a callable that holds the ports it uses and nothing else. `functions._performers`
registers each by its effect's type; `tests/unit/usecases/test_performers.py` fails for an effect
without one. Performing twice is harmless: the effect's key, or a name made from it, says what was
done already.
"""
