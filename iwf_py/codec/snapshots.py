"""Events, history and the stored parts of a record, as JSON text and back."""
