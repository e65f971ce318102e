"""Collects what cells put out, in the form that nbclient would have stored from a real kernel."""

from __future__ import annotations

import io
import json
from typing import Any

from jupyter_client.session import Session

Output = dict[str, Any]


class Collector:
    """Outputs of all cells. ``limit`` is in bytes a cell; what goes beyond is dropped and said."""

    def __init__(self, limit: int, count_limit: int) -> None:
        self.limit = limit
        self.count_limit = count_limit
        self.cells: dict[int, list[Output]] = {}
        self.current: list[Output] = []
        self.execution_count: int | None = None
        self.changed: set[int] = set()
        self.display_ids: dict[str, list[tuple[int, Output]]] = {}
        self.index = -1
        self.used = 0
        self.clear_pending = False
        self.muted = False

    def begin(self, index: int) -> None:
        """Start collecting for the cell at ``index``."""
        self.index, self.used, self.clear_pending, self.execution_count = index, 0, False, None
        self.current = self.cells[index] = []

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

    def message(self, kind: str, content: dict[str, Any]) -> None:
        """Take one message that the shell would have sent to a frontend."""
        if self.muted:
            return
        if kind == "clear_output":
            if content.get("wait"):
                self.clear_pending = True
            else:
                self.current.clear()
            return
        if "execution_count" in content:
            self.execution_count = content["execution_count"]
        display_id = (content.get("transient") or {}).get("display_id")
        if display_id and kind in ("display_data", "execute_result", "update_display_data"):
            self._update(display_id, content)
        if kind == "update_display_data":
            return
        output = _as_output(kind, content)
        if output is None or not self._afford(output):
            return
        self._clear_if_pending()
        if self._append(output) and display_id:
            self.display_ids.setdefault(display_id, []).append((self.index, output))

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

    def _clear_if_pending(self) -> None:
        if self.clear_pending:
            self.current.clear()
            self.clear_pending = False

    def _fit(self, text: str) -> str:
        if self.muted or self.used > self.limit:
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


class CapturingSession(Session):  # type: ignore[misc]
    """Takes the place of the kernel's messaging: every message ends in the collector."""

    collector: Collector | None = None

    def send(self, stream: Any, msg_or_type: Any, content: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Hand a message to the collector."""
        if isinstance(msg_or_type, dict):
            kind, content = msg_or_type["header"]["msg_type"], msg_or_type["content"]
        else:
            kind = msg_or_type
        if self.collector is not None:
            self.collector.message(kind, content or {})
        return msg_or_type


class Stream(io.TextIOBase):
    """Stands for sys.stdout or sys.stderr."""

    encoding = "UTF-8"  # type: ignore[assignment]
    errors = "strict"

    def __init__(self, name: str, collector: Collector) -> None:
        self.name = f"<{name}>"
        self._stream = name
        self._collector = collector

    def write(self, text: str) -> int:
        """Collect text."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text)}")
        self._collector.stream(self._stream, text)
        return len(text)

    def writable(self) -> bool:
        """Streams can be written to."""
        return True

    def isatty(self) -> bool:
        """Nobody watches."""
        return False

    def fileno(self) -> int:
        """Descriptors 1 and 2, as in a kernel."""
        return 1 if self._stream == "stdout" else 2
