"""The words everyone speaks: frozen values, with no behaviour beyond their own arithmetic."""
