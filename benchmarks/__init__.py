"""Repeatable measurements of nbseal beside its peers."""
