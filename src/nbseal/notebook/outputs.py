"""Takes in outputs that came from a sealed process: only well-formed nbformat outputs get through."""

from __future__ import annotations

from typing import Any

MAX_DEPTH = 30


def clean_outputs(raw: Any) -> list[dict[str, Any]]:
    """Return the well-formed outputs of ``raw`` as nbformat 4 plain data; what is malformed is dropped."""
    cleaned = [_clean(output) for output in raw] if isinstance(raw, list) else []
    return [output for output in cleaned if output is not None]


def _clean(output: Any) -> dict[str, Any] | None:
    if not isinstance(output, dict):
        return None
    match output.get("output_type"):
        case "stream":
            name = "stderr" if output.get("name") == "stderr" else "stdout"
            return {"output_type": "stream", "name": name, "text": _text(output.get("text"))}
        case "error":
            lines = output.get("traceback")
            return {
                "output_type": "error",
                "ename": _text(output.get("ename")),
                "evalue": _text(output.get("evalue")),
                "traceback": [_text(line) for line in lines] if isinstance(lines, list) else [],
            }
        case "display_data" | "execute_result" as kind:
            result = {"output_type": kind, "metadata": _plain_dict(output.get("metadata")), "data": _bundle(output)}
            if kind == "execute_result":
                count = output.get("execution_count")
                result["execution_count"] = count if type(count) is int else None
            return result
    return None


def _bundle(output: dict[str, Any]) -> dict[str, Any]:
    data = output.get("data")
    bundle: dict[str, Any] = {}
    for mime, value in data.items() if isinstance(data, dict) else ():
        if not isinstance(mime, str):
            continue
        if mime == "application/json" or mime.endswith("+json"):
            bundle[mime] = _plain(value, 0)
        elif isinstance(value, (str, list)):
            bundle[mime] = _text("".join(map(str, value)) if isinstance(value, list) else value)
    return bundle


def _plain_dict(value: Any) -> dict[str, Any]:
    plain = _plain(value, 0)
    return plain if isinstance(plain, dict) else {}


def _plain(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        return None
    if isinstance(value, dict):
        return {_text(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float) and value != value:
        return None
    return value if value is None or isinstance(value, (bool, int, float)) else str(type(value).__name__)


def _text(value: Any) -> str:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""
