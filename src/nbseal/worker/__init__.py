"""Runs on the untrusted side: the warm process, the walls around its forks, and what happens inside them.

Launched as ``python -I -m nbseal.worker FD``; never imported by the trusted side.
"""
