"""One performer for each type of effect: a function that receives only the ports it uses.

It performs the effect, or looks how far it is, and returns the fact to record or what to wait for.
`functions._performers` registers each by the type of its effect. Performing twice is harmless: the
key of the effect, or a name made from it, tells what was done before.
"""
