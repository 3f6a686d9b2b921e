"""One performer for each type of effect: a function that receives only the ports it uses.

It performs the effect, or polls its progress, and returns the fact to record or what to wait for.
`functions._performers` registers each by the type of its effect. Performers are idempotent: the key
of the effect, or a name made from it, tells what was done before.
"""
