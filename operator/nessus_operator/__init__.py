"""Runs vulnerability scans, asked for as Kubernetes objects, exactly once on Nessus."""

__version__ = "0.1.0"
