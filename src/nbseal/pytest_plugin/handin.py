"""What is known of a submission without asking its process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

WAITING = "Not tried, because it needs a test that could not be judged:"


@dataclass(frozen=True)
class Handin:
    """What is known of a submission without asking its process."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    failure: str | None = None
    seed: bytes = b""
