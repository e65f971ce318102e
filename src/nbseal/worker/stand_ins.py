"""Stand-ins for objects of the trusted side, which student code is given and may call."""

from __future__ import annotations

import sys
from typing import Any

from nbseal.wire import Channel, Reference


class StandIn:
    """Stands for an object of the trusted side; calling it, or a method that was handed out, asks over there."""

    def __init__(self, channel: Channel, reference: Reference) -> None:
        self._channel = channel
        self._reference = reference
        for name in reference.methods:
            if name != "__sklearn_tags__":
                setattr(self, name, _Method(self, name))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self._reference.callable:
            raise TypeError("this object can't be called")
        return self._ask("", args, kwargs)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the stand-in that the check hands out has no attribute '{name}'")

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn asks of an estimator, for a pipeline or a search: its usual tags but for those told."""
        if "__sklearn_tags__" not in self._reference.methods:
            return self.__getattr__("__sklearn_tags__")
        base: Any = sys.modules["sklearn.base"]  # whoever asks has loaded it
        tags = base.BaseEstimator().__sklearn_tags__()
        for name, value in self._ask("__sklearn_tags__", (), {}).items():
            setattr(tags, name, value)
        return tags

    def _ask(self, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self._channel.send({"callback": self._reference.number, "method": method, "args": list(args), "kwargs": kwargs})
        reply = self._channel.receive()
        if "error" in reply:
            raise getattr(__import__("builtins"), reply["type"], RuntimeError)(reply["error"])
        return revived(self._channel, reply["value"])


class _Method:
    """One method of a stand-in."""

    def __init__(self, stand_in: StandIn, name: str) -> None:
        self._stand_in = stand_in
        self._name = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._stand_in._ask(self._name, args, kwargs)


def reference_of(stand_in: StandIn) -> Reference:
    """What a stand-in is on the wire: the grader gets its own object back."""
    return stand_in._reference


def revived(channel: Channel, value: Any) -> Any:
    """What student code gets for a value of the trusted side: a stand-in for a reference."""
    return StandIn(channel, value) if isinstance(value, Reference) else value
