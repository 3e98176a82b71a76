"""What a request costs: Forecourt beside a hand-written endpoint, plain Strawberry and graphql-core's executor.

`python -m bench` runs everything; docs/performance.md has the method and the figures.
"""
