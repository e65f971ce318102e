"""Commands that look at what was graded: the report on an assignment, and alike answers."""
