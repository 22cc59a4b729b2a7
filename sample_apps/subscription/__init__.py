"""Somebody subscribes: a trial, then a charge every cycle, until the last one or until they have had enough."""
