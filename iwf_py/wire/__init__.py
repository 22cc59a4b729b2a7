"""The iWF protocol over HTTP: its routes, how its words are written and read, and what its errors are."""
