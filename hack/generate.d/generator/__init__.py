"""Keeps documents and rules that follow from code in step with it."""
