"""Grading on the workers of a Dask cluster, which is an extra: ``pip install nbseal[scale]``."""
