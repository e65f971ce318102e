"""A person decides what the engine could not: what is open, and how it is settled."""

from nbseal.resolve.deciding import Answer, decide, take_back
from nbseal.resolve.open_cases import Choice, OpenCase, Standing, standing

__all__ = ["Answer", "Choice", "OpenCase", "Standing", "decide", "standing", "take_back"]
