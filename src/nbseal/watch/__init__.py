"""Grades submissions as they arrive, and does what the formgrader asks for: one queue, one worker beside it."""
