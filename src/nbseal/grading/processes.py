"""The processes behind a grader: judge and warm process, and the readers, which have both of them fork."""

from __future__ import annotations

import io
import pickle
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from traitlets.config import Config

from nbseal.course import Seal
from nbseal.errors import SealBroken, SealError
from nbseal.grading.readers import Readers, can_fork
from nbseal.hidden_tests import Judge
from nbseal.sandbox import Level, SealedProcess, WarmProcess
from nbseal.sandbox.cgroups import tidy
from nbseal.sandbox.warm import WarmSettings


class Answering(Protocol):
    """What grades in a reader."""

    def adopt(self, descriptors: Sequence[int]) -> Answering:
        """Have the processes behind it by these sockets."""

    def answer(self, data: bytes) -> bytes:
        """A reply to a task."""


class Processes:
    """They begin to load at once; any number of threads may use them once they have started."""

    def __init__(
        self, seal: Seal, grader: Path | None, settings: Mapping[str, Any] | None, level: Level | None
    ) -> None:
        self._seal = seal
        self._lock = threading.Lock()
        self._readers: list[Readers] = []  # the last one is in use
        self._settings = WarmSettings()
        self._is_reader = self.is_closed = False
        self.judge: Judge | None = None
        self.warm: WarmProcess | None = None
        try:
            self.judge = Judge(grader, settings) if grader else None
            self.warm = WarmProcess(seal, level)
        except BaseException:
            self.close()
            raise

    def start(self, settings: WarmSettings) -> Level:
        """Wait until the warm process can be forked; how its forks are sealed."""
        assert self.warm is not None
        self._settings = settings
        return self.warm.start().level

    def spawn(self) -> SealedProcess:
        """Fork a sealed process; a warm process that is gone is replaced once."""
        warm = self.warm
        try:
            if warm is None:
                raise SealBroken("the grader is closed")
            return warm.spawn()
        except SealBroken:
            if self._is_reader:
                raise
            with self._lock:
                if self.is_closed:
                    raise
                if self.warm is warm:  # no other thread has replaced it meanwhile
                    self._renew_warm()
                assert self.warm is not None
                return self.warm.spawn()

    def _renew_warm(self) -> None:
        level = None
        if self.warm is not None:
            level = self.warm.level
            self.warm.close()
        self.warm = WarmProcess(self._seal, level).start(self._settings)

    def readers(self, grader: Answering) -> Readers:
        """The processes in which submissions are graded; SealError if there are none.

        It forks the first time, which is best done while this process has one thread.
        """
        with self._lock:
            if self.is_closed:
                raise SealError("the grader is closed")
            if not self._readers or self._readers[-1].are_gone:
                self._add_readers(grader)
            return self._readers[-1]

    def mend(self, readers: Readers, grader: Answering) -> bool:
        """Whether others can be had in the place of ``readers``, since something that these need was gone."""
        with self._lock:
            if self.is_closed or not self._readers or self._readers[-1] is not readers:
                return not self.is_closed
            gone = [part for part in (self.warm, self.judge) if part and part.is_gone]
            try:
                if self.warm in gone:
                    self._renew_warm()
                if self.judge and self.judge in gone:
                    self.judge.renew()
            except SealError:
                return False
            if gone:  # what the old ones are at may still come to its end
                self._add_readers(grader)
            return bool(gone)

    def _add_readers(self, grader: Answering) -> None:
        """Where other threads run, a copy of the grader stands in for it, since it can't fork then."""
        sockets = [part.descriptor for part in self._parts]
        if can_fork():
            readers = Readers.forked(lambda: grader.adopt(sockets).answer, sockets)
        else:
            readers = Readers.launched(_pickled(grader), sockets)
        self._readers.append(readers)

    @property
    def _parts(self) -> list[WarmProcess | Judge]:
        return [part for part in (self.warm, self.judge) if part]

    def __getstate__(self) -> dict[str, Any]:
        """What a reader needs besides the sockets: see `adopt`."""
        return {name: getattr(self, name) for name in ("_seal", "_settings", "judge", "warm", "is_closed")}

    def adopt(self, descriptors: Sequence[int]) -> None:
        """In a reader: judge and warm process are another's, and what they fork for us is ours alone."""
        self._lock, self._is_reader = threading.Lock(), True
        for part, descriptor in zip(self._parts, descriptors, strict=True):
            part.adopt(descriptor)

    def close(self) -> None:
        """End all of them."""
        with self._lock:
            if self.is_closed:
                return
            self.is_closed = True
        closing = [threading.Thread(target=part.close) for part in (*self._readers, *self._parts)]
        for one in closing:
            one.start()
        for one in closing:
            one.join()
        self.warm = None
        tidy()  # readers are killed, and so leave theirs


class _Pickler(pickle.Pickler):
    """Leaves out nbgrader_config.py's own words, of which settings have been made already.

    They may name a plugin's class, which another process needn't find.
    """

    def reducer_override(self, value: Any) -> Any:
        """How a value is sent: a configuration as an empty one."""
        return (Config, ()) if isinstance(value, Config) else NotImplemented


def _pickled(grader: Answering) -> bytes:
    out = io.BytesIO()
    _Pickler(out).dump(grader)
    return out.getvalue()
