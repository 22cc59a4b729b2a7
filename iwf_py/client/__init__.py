"""Calls workflows."""
