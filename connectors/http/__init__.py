"""Calls to back ends that speak HTTP: within the request's time, repeated where that is safe, given up where it helps.

`client.py` is what a connector uses; docs/back-ends.md has the promises and the figures.
"""
