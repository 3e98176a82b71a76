"""Events from one gateway to all: whose access has changed, which session is over."""
