"""Embedded(url, registry): engine, store, alarm, worker and client in one process."""
