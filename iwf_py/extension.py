"""IwfPy(app): the Flask extension."""
