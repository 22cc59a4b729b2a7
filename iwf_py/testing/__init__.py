"""For us and for users: the clock, the in-memory host, contracts."""
