"""Runs unchanged on a laptop, in CI, in the function app and on Azure ML compute.

This folder is the code snapshot sent to compute: it imports nothing of ours from outside itself.
"""
