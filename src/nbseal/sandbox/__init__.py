"""Start, feed and end sealed processes; the trusted side of the walls."""

from nbseal.sandbox.cgroups import Homes, homes
from nbseal.sandbox.launch import is_linux, require_linux
from nbseal.sandbox.levels import NONE, Level, choose_level, probe
from nbseal.sandbox.sealed import CellResult, Moment, SealedProcess
from nbseal.sandbox.warm import WarmProcess

__all__ = [
    "NONE",
    "CellResult",
    "Homes",
    "Level",
    "Moment",
    "SealedProcess",
    "WarmProcess",
    "choose_level",
    "homes",
    "is_linux",
    "probe",
    "require_linux",
]
