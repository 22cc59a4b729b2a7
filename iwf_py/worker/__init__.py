"""Runs user code."""
