"""What was bought: the shop."""
