"""What the operator is told by its environment, all with the prefix NESSUS_OPERATOR_."""
