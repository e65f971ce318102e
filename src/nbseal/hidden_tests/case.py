"""What is known of a submission without asking its process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbseal.hidden_tests.messages import Words


@dataclass(frozen=True)
class SubmissionFacts:
    """What is known of a submission without asking its process."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    code: Sequence[str] = ()
    outputs: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    failure: str | None = None
    seed: bytes = b""

    @cached_property
    def words(self) -> Words:
        """The words of the notebook's code: they may be shown again."""
        from nbseal.hidden_tests.messages import Words

        return Words(self.code)
