"""Shared by the tests of the pure machine."""
