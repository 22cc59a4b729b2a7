"""Applications that show what the package is for; each folder tells its story in a README."""
