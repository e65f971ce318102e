"""A person decides what the engine could not: what is open, and how it is settled."""

from nbseal.resolve.deciding import Answer, decide, take_back
from nbseal.resolve.open_cases import OpenCase, Standing, standing

__all__ = ["Answer", "OpenCase", "Standing", "decide", "standing", "take_back"]
