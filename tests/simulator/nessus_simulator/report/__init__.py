"""Reports in the .nessus v2 format: made for the targets, or read from a file."""
