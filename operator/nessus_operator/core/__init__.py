"""Every decision, as functions from values to values: no I/O, and `now` is an argument."""
