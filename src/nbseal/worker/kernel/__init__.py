"""Runs a notebook's cells as an IPython kernel would, and collects what they put out."""
