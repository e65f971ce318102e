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
    """What is known of a submission without asking its process.

    ``moments`` are plain values behind each check cell, in order: what changed since the one before, and names that
    went; the last one, of the question "", is the notebook's end. ``failure`` says why the notebook was not run to its
    end; questions that have a moment are judged all the same.
    """

    files: Mapping[str, bytes] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    code: Sequence[str] = ()
    outputs: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    failure: str | None = None
    seed: bytes = b""
    moments: Sequence[Mapping[str, Any]] = ()

    @cached_property
    def values(self) -> dict[str, dict[str, Any]]:
        """Plain values by question and name; those of the question "" are the last that are known."""
        found: dict[str, dict[str, Any]] = {}
        now: dict[str, Any] = {}
        for moment in self.moments:
            now = {name: value for name, value in now.items() if name not in moment["gone"]} | moment["values"]
            found[moment["question"]] = now
        return found | {"": now}

    def was_reached(self, question: str) -> bool:
        """Whether the notebook came as far as the question's check cell, or as its own end."""
        return self.failure is None or question in self.values

    @cached_property
    def words(self) -> Words:
        """The words of the notebook's code: they may be shown again."""
        from nbseal.hidden_tests.messages import Words

        return Words(self.code)
