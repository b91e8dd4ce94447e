"""What models call: plain async functions, one file for each noun."""
