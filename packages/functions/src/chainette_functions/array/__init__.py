"""Functions that rearrange, join and select."""
