"""Who somebody is: accounts and their passwords."""
