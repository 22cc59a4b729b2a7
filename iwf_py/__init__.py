"""Durable state-machine workflows in the style of iWF."""
