"""The door: the process, and everything about HTTP."""
