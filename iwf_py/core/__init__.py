"""The machine: pure. ``advance(record, event) -> Turn`` and what it is made of."""
