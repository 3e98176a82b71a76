"""What back ends answered lately, by key: only what is not there is asked for again.

`fetches.py` is what a connector uses; docs/back-ends.md has the promises.
"""
