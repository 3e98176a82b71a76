"""A shop of Vendure, by its Admin API; docs/back-ends/vendure.md says what is mapped to what."""
