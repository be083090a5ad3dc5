"""Functions that work along sequences."""
