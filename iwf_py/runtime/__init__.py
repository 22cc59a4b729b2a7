"""The SQL host."""
