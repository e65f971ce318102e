"""Collects what cells put out, in the form that nbclient would have stored from a real kernel."""

from __future__ import annotations

import json
from typing import Any

Output = dict[str, Any]
LONGEST_VALUE = 10_000  # characters of an error that nothing else shows


class Collector:
    """Outputs of all cells. ``limit`` is in bytes a cell; what goes beyond is dropped and said."""

    def __init__(self) -> None:
        self.limit = 1 << 20
        self.count_limit = 1000
        self.cells: dict[int, list[Output]] = {}
        self.current: list[Output] = []
        self.changed: set[int] = set()
        self.display_ids: dict[str, list[tuple[int, Output]]] = {}
        self.execution_count: int | None = None
        self.index = -1
        self.parent: str | None = None
        self.used = 0
        self.clear_pending = False

    def begin(self, index: int, parent: str, execution_count: int) -> None:
        """Start collecting for the cell at ``index``: messages that answer the request called ``parent``."""
        self.index, self.parent, self.execution_count = index, parent, execution_count
        self.used, self.clear_pending = 0, False
        self.current = self.cells[index] = []

    def end(self) -> None:
        """Stop collecting: like nbclient, take nothing from a cell that has been answered."""
        self.parent = None

    def forget(self) -> None:
        """Be as new."""
        self.cells.clear()
        self.display_ids.clear()
        self.current, self.index, self.parent = [], -1, None

    def message(self, kind: str, parent: str | None, content: dict[str, Any]) -> None:
        """Take one message that a kernel would have sent to its frontend."""
        if parent != self.parent or parent is None:
            return
        if kind == "stream":
            self.stream(content["name"], content["text"])
            return
        if kind == "clear_output":
            if content.get("wait"):
                self.clear_pending = True
            else:
                self._clear()
            return
        if "execution_count" in content:
            self.execution_count = content["execution_count"]
        display_id = (content.get("transient") or {}).get("display_id")
        if display_id and kind in ("display_data", "execute_result", "update_display_data"):
            self._update(display_id, content)
        output = _as_output(kind, content)
        if output is None or not self._afford(output):
            return
        self._clear_if_pending()
        if self._append(output) and display_id:
            self.display_ids.setdefault(display_id, []).append((self.index, output))

    def stream(self, name: str, text: str) -> None:
        """Add text to stdout or stderr; consecutive text of one stream is one output."""
        text = self._fit(text)
        if not text:
            return
        self._clear_if_pending()
        if self.current and self.current[-1]["output_type"] == "stream" and self.current[-1]["name"] == name:
            self.current[-1]["text"] += text
        else:
            self._append({"output_type": "stream", "name": name, "text": text})

    def keep_error(self, name: str, value: str) -> None:
        """Have an error among the cell's outputs, though the notebook hides it or has shown too much before."""
        if not any(output["output_type"] == "error" for output in self.current):
            value = value[:LONGEST_VALUE]
            self.current.append(
                {"output_type": "error", "ename": name, "evalue": value, "traceback": [f"{name}: {value}"]}
            )

    def _append(self, output: Output) -> bool:
        if len(self.current) >= self.count_limit:
            if len(self.current) == self.count_limit:
                note = f"\n[output cut off here: more than {self.count_limit} outputs]\n"
                self.current.append({"output_type": "stream", "name": "stderr", "text": note})
            return False
        self.current.append(output)
        return True

    def _update(self, display_id: str, content: dict[str, Any]) -> None:
        for index, output in self.display_ids.get(display_id, []):
            if not self._afford(content):
                return
            output["data"], output["metadata"] = content["data"], content["metadata"]
            if index != self.index:
                self.changed.add(index)

    def _clear(self) -> None:
        self.current.clear()

    def _clear_if_pending(self) -> None:
        if self.clear_pending:
            self._clear()
            self.clear_pending = False

    def _fit(self, text: str) -> str:
        if self.used > self.limit:
            return ""
        self.used += len(text)
        if self.used <= self.limit:
            return text
        kept = text[: len(text) - (self.used - self.limit)]
        return f"{kept}\n[output cut off here: more than {self.limit >> 10} KiB]\n"

    def _afford(self, output: dict[str, Any]) -> bool:
        size = len(json.dumps(output, default=str))
        if self.used + size <= self.limit:
            self.used += size
            return True
        if self.used <= self.limit:
            self.stream("stderr", " " * (self.limit - self.used + 1))
        return False


def _as_output(kind: str, content: dict[str, Any]) -> Output | None:
    if kind == "error":
        return {
            "output_type": "error",
            "ename": str(content["ename"]),
            "evalue": str(content["evalue"]),
            "traceback": [str(line) for line in content["traceback"]],
        }
    if kind == "display_data":
        return {"output_type": kind, "metadata": content["metadata"], "data": content["data"]}
    if kind == "execute_result":
        return {
            "output_type": kind,
            "metadata": content["metadata"],
            "data": content["data"],
            "execution_count": content["execution_count"],
        }
    return None
