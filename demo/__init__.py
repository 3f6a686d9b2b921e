"""The main job from end to end on real data, watched and checked step by step.

It is a client like any other: it drops files into storage, asks the function app's HTTP API and
scores rows at the endpoint. It knows the application and the stack; neither knows it.
"""
