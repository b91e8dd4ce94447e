"""The Kubernetes API server: log in, ask, watch, lead."""
