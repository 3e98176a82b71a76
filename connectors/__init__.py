"""Where the data is: one folder per application behind the gateway."""
