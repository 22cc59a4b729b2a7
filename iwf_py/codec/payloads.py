"""User values, sealed and opened."""
