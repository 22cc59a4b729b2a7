"""Money goes from one account to another: all of it, or nothing."""
