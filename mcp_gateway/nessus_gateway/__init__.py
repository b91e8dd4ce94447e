"""The MCP gateway: agents ask for scans and read findings; it writes specs and nothing else."""
