"""A simulated Nessus: its HTTP API, its quirks and its faults, for tests and demonstrations."""
