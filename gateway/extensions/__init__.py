"""How a portal's extensions are found, loaded and checked; what one declares stands in `schema.extending`."""
