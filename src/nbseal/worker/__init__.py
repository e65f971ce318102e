"""Runs on the untrusted side: the warm process, the walls around its forks, and what happens inside them.

Launched by ``nbseal.sandbox.launch``; never imported by the trusted side.
"""
