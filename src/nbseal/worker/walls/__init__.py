"""The walls around a sealed process: namespaces, Landlock, seccomp and limits, at the strongest level that works."""

from nbseal.worker.walls.limits import SLOTS, Settings, give_headroom, owns_users
from nbseal.worker.walls.namespaces import HOME, ROOMS, interpreter_folders, move_in, rejoin, separate
from nbseal.worker.walls.sealing import owner, seal, work_folder

__all__ = [
    "HOME",
    "ROOMS",
    "SLOTS",
    "Settings",
    "give_headroom",
    "interpreter_folders",
    "move_in",
    "owner",
    "owns_users",
    "rejoin",
    "seal",
    "separate",
    "work_folder",
]
