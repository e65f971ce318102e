"""What the trusted side tells the warm process when it starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Settings:
    """Level and limits of every fork, and what to load before forking. Units are in the names."""

    level: str = "none"  # namespaces | user-namespaces | landlock | none
    modules: list[str] = field(default_factory=list)
    support: str | None = None
    warm: list[str] = field(default_factory=list)
    readable: list[str] = field(default_factory=list)
    scratch: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    cell_seconds: float = 10.0
    total_seconds: float = 150.0
    memory_mb: int = 2048
    processes: int = 64
    open_files: int = 256
    disk_mb: int = 64
    output_kb: int = 1024
    outputs_per_cell: int = 1000

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> Settings:
        """Build from the first message on the control channel."""
        return cls(**message)
