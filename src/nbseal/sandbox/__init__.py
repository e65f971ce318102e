"""Start, feed and end sealed processes; the trusted side of the walls."""

from nbseal.sandbox.cgroups import Homes, homes
from nbseal.sandbox.launching import Ahead, start_ahead
from nbseal.sandbox.levels import NONE, Level, choose_level, probe
from nbseal.sandbox.sealed import CellResult, SealedProcess
from nbseal.sandbox.warm import WarmProcess

__all__ = [
    "NONE",
    "Ahead",
    "CellResult",
    "Homes",
    "Level",
    "SealedProcess",
    "WarmProcess",
    "choose_level",
    "homes",
    "probe",
    "start_ahead",
]
