"""HTTP routes by topic; they parse, call the simulated Nessus and show what it answers."""
