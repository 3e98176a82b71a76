"""What one request may ask for at most, checked in a fixed order before anything is executed.

bytes, tokens, recursion (`text`), depth, aliases, root fields, directives (`shape`), cost (`cost`).
"""
