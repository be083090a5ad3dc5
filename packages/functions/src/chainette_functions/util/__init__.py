"""Functions that change how other functions are run."""
