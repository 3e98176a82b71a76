"""Which applications there are: the catalogue behind the tiles."""
