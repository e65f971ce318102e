"""What a single submission may try, drawn with its arguments under a seed: each kind of trick is a function.

All answers of the submission are wrong, so no trick may earn a mark. What a trick holds or has found out it prints, as
``held N MiB of memory`` or ``crowd PRIORITY SAME-SESSION``, and attack_search.py judges that.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Cell = dict[str, Any]


@dataclass(frozen=True)
class Trick:
    """A kind of trick, the source of the submission's first cell, and changes of its notebook, one after the other.

    ``answer`` is what stands where the notebook asks for a number, ``double`` what it asks for a function.
    """

    kind: str
    source: str = ""
    edits: tuple[str, ...] = ()
    answer: str = "answer = 0"
    double: str = "def double(x):\n    return 0"

    @property
    def proof(self) -> tuple[str, ...]:
        """How what it may reach by itself begins: a neighbour's mishap on a busy machine proves nothing."""
        return PROOFS[self.kind]


def tricks(seed: int, kinds: tuple[str, ...] = ()) -> Iterator[Trick]:
    """Tricks without end, of all kinds or of some; the same for the same seed."""
    rng = random.Random(seed)
    while True:
        yield KINDS[rng.choice(kinds or tuple(KINDS))](rng)


MANY = (1, 20_000, 20_000)
LEAVES = (
    "b'[' + b','.join([b'1'] * {n}) + b']'",
    "b'[' * {n} + b']' * {n}",
    "b'\"' + b'\\\\\"' * {n}",
    "b'\"' + b'x' * {n} + b'\"'",
    "b','.join([b'[]'] * {n})",
    "b'9' * {n}",
    "b'{{\"o\":{{' + b','.join(b'\"%d\":1' % k for k in range({n})) + b'}}}}'",
    "b'{{\"a\":0}}'",
    "b'{{\"n\":%d}}' % {n}",
    'b\'{{"r":[%d,["m"],true]}}\' % {n}',
    "b'{{\"p\":[[],[],%d]}}' % {n}",
    'b\'{{"x":"y"}}\'',
)
KEYS = (
    "b'\"%d\"' % k",
    'b\'{{"i":"%#x"}}\' % (k * (2 ** 61 - 1) + 7)',  # whose hashes are equal
    "b'{{\"t\":[%d,%d]}}' % (k, -k)",
    'b\'{{"f":"nan"}}\'',
)
MESSAGES = (
    "b'{{\"v\":' + {tree} + b',\"b\":[]}}'",
    "b'{{\"v\":' + {tree} + b',\"b\":[%d]}}' % len(blobs)",
    'b\'{{"v":{{"o":{{"index":0,"outputs":\' + {tree} + b\',"execution_count":1,"seconds":0,"cpu":0,'
    '"timed_out":false}}}},"b":[]}}\'',
    'b\'{{"v":{{"o":{{"value":\' + {tree} + b\'}}}},"b":[]}}\'',
)
CROWD = "b',' * 4_000_100 + "  # as many values as make somebody look for texts among them
OPENED = ("b'\"' + b'\\\\\"' * 20_000", "b'\"' + b'\\\\\\n' * 20_000", "b'[' * 20_000")
BLOBS = (
    "b''",
    "b'\\x93NUMPY\\x01\\x00\\x80\\x00' + b\"{{'descr': '<f8', 'fortran_order': False, 'shape': (%d, 99999)}}\" % {n}",
    "b'\\0' * {n}",
)


def frames(rng: random.Random) -> Trick:
    """A raw frame on the submission's own channel, by the codec's grammar, some of it repeated or left open."""

    def tree(depth: int) -> str:
        number = rng.choice(MANY)
        if depth and rng.random() < 0.4:
            key = rng.choice(KEYS).replace("{{", "{").replace("}}", "}")
            tag, item = rng.choice((("s", key), ("d", f"b'[' + {key} + b',1]'")))
            return f"b'{{\"{tag}\":[' + b','.join({item} for k in range({number})) + b']}}'"
        if depth and rng.random() < 0.3:
            return f"b'[' + {tree(depth - 1)} + b',' + {tree(depth - 1)} + b']'"
        return rng.choice(LEAVES).format(n=number)

    header = rng.choice(MESSAGES).format(tree=tree(2)) if rng.random() < 0.85 else CROWD + rng.choice(OPENED)
    blobs = rng.choice(BLOBS).format(n=rng.choice(MANY))
    announced = rng.choice(("len(blobs)", "len(blobs)", "len(blobs)", "1 << 27", "0"))
    send = (
        "import os, socket, struct\n"
        f"blobs = {blobs}\nheader = {header}\n"
        "sock = socket.socket(fileno=os.dup(3)); sock.setblocking(True)\n"
        f"sock.sendall(struct.pack('>IQ', len(header), {announced}) + header + blobs)"
    )
    return Trick("frames", send)


OPEN_TAGS = ("b", "i", "font", "code", "u", "table", "svg", "style", "div", "select")
BLOCKS = ("<p>x", "<li>x", "<td>x")
TEXTS = (
    *("<!--", "<style", "&amp;", "\\begin{a}", "[", "](", "`", "*a ", "$$", "\x1b]0;", "\n> "),
    *("</b>", "</table>", "</p>", "<br>", "x"),
)
ACTIVE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='jav&#x09;ascript:alert(1)'>x</a>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror=alert(1)&gt;'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<form action='/formgrader'><button>x</button></form>",
    "<details open ontoggle=alert(1)>x</details>",
    "<svg><a xlink:href='javascript:alert(1)'><text y='9'>x</text></a></svg>",
    "",
    "",
)
MIMES = ("text/html", "text/html", "text/html", "image/svg+xml", "text/markdown", "text/latex", "text/plain")
SHOWN = (
    "for k in range({times}): display({{{mime!r}: text}}, raw=True)",
    "class Shown:\n    def _repr_html_(self): return text\ndisplay(*[Shown()] * {times})",
    "class Shown:\n    def _repr_mimebundle_(self, **more): return {{{mime!r}: text}}, {{}}\n"
    "display(*[Shown()] * {times})",
    "class Shown(np.ndarray):\n    def _repr_html_(self): return text\n    def __repr__(self): return text\n"
    "display(*[np.zeros(3).view(Shown)] * {times})",
    "class Shown(Exception):\n    def __str__(self): return text\nraise Shown()",
    "print(text)",
)


def markup(rng: random.Random) -> str:
    """An expression for a text of what readers of HTML and Markdown take long over, and what acts in a page."""
    opened = f"''.join(f'<{rng.choice(OPEN_TAGS)} title={{k}}>' for k in range({rng.choice((1, 40, 400, 400))}))"
    texts, many = rng.choice(((BLOCKS, 400), (TEXTS, 4000)))
    repeated = f"{rng.choice(texts)!r} * {rng.choice((1, many, many))}"
    around = rng.choice(("<p>", "<p>", "<p>", "<svg>", "<table>"))
    return f"{around!r} + {opened} + {rng.choice(ACTIVE)!r} + {repeated}"


def displays(rng: random.Random) -> Trick:
    """Outputs that are hard to read or that act, shown in each of the ways that IPython knows."""
    show = rng.choice(SHOWN).format(times=rng.choice((1, 1, 3)), mime=rng.choice(MIMES))
    return Trick("displays", f"import numpy as np\nfrom IPython.display import display\ntext = {markup(rng)}\n{show}")


EDITS = (
    "cells.insert({where}, {{**cells[{which}]}})",
    "cells.insert({where}, {{**cells[{which}], 'id': 'other', 'source': {source!r}}})",
    "cells.insert({where}, cells.pop({which}))",
    "cells.pop({which})",
    "cells.reverse()",
    "cells[{which}]['source'] = {source!r}",
    "cells[{which}]['cell_type'] = {kind!r}",
    "cells[{which}]['id'] = cells[{where}]['id']",
    "mark({which})['grade_id'] = {name!r}",
    "mark({which}).update({flags!r})",
    "cells[{which}]['metadata'].pop('nbgrader', None)",
    "cells[{which}]['metadata']['tags'] = ['skip-execution', 'raises-exception', 'remove-cell']",
    "cells[{which}]['metadata']['nbgrader'] = {odd!r}",
    "cells[{which}]['outputs'] = [{{'output_type': 'execute_result', 'data': {{'text/plain': '99'}}, 'metadata': {{}},"
    " 'execution_count': 1}}]",
    "cells.insert({where}, {{'cell_type': 'markdown', 'id': 'words', 'metadata': {{}}, 'source': {text}}})",
    "nb.update(nbformat={number}, nbformat_minor={number})",
    "nb['metadata'].update(kernelspec={{'name': {source!r}}}, nbseal={odd!r})",
)
SOURCES = (
    "True",
    "1.0",
    "99",
    "pass",
    "assert True",
    "exit()",
    "flag = double = answer = 42",
    "%%javascript\nalert(1)",
)
NAMES = ("double", "number", "plain", "double-answer", "number-answer", "plain-answer", "imports", "none", "")
ODD = ([], {}, None, "x", 3, {"grade": True}, [{}], float("nan"))


def edits(rng: random.Random) -> Trick:
    """Cells that are copied, moved, renamed, retyped, marked and forged; Markdown of a stranger's."""
    drawn = []
    for _ in range(rng.choice((1, 1, 2, 3))):
        flags = {name: rng.random() < 0.5 for name in rng.sample(("grade", "solution", "locked", "task"), 2)}
        flags |= {"points": rng.choice((0, 1, 99, -5)), "schema_version": rng.choice((1, 3, 99))}
        drawn.append(
            rng.choice(EDITS).format(
                where=rng.randrange(7),
                which=rng.randrange(7),
                source=rng.choice(SOURCES),
                kind=rng.choice(("markdown", "raw", "code", "x")),
                name=rng.choice(NAMES),
                flags=flags,
                odd=rng.choice(ODD[:-1]),
                text=markup(rng),
                number=rng.choice((3, 4, 5, 999)),
            )
        )
    return Trick("edits", edits=tuple(drawn))


FAMILY = """
import contextlib, ctypes, mmap, os, socket, time
C = ctypes.CDLL(None, use_errno=True)
C.mmap.restype = ctypes.c_void_p
keep, MIB, BLOCK = [], 1 << 20, b'x' * (1 << 20)
def family(count, hold):
    ends, held = [], 0
    for _ in range(count):
        r, w = os.pipe()
        if os.fork() == 0:
            kept = 0
            with contextlib.suppress(BaseException):
                kept = hold()
            os.write(w, str(kept).encode())
            time.sleep(2.5)
            os._exit(0)
        os.close(w)
        ends.append(r)
    held = sum(int(os.read(r, 100) or 0) for r in ends)
    time.sleep(1.0)
    print('held', held, 'MiB of memory')
"""
MEMORY = (
    "keep.append(bytearray({size} * MIB)); keep[0][::4096] = b'x' * len(keep[0][::4096])",
    "m = mmap.mmap(-1, {size} * MIB)\n    keep.append(m)\n    for k in range({size}):\n"
    "        m[k * MIB:(k + 1) * MIB] = BLOCK; m.madvise(mmap.MADV_DONTNEED, k * MIB, MIB)",
    "for k in range({size}):\n        m = mmap.mmap(-1, MIB); keep.append(m); m[:] = BLOCK\n"
    "        m.madvise(mmap.MADV_DONTNEED, 0, MIB)",
    "for k in range({size}):\n        keep.append(os.memfd_create('x')) if k % 12 == 0 else None\n"
    "        os.write(keep[-1], BLOCK)",
    "m = mmap.mmap(os.open('/dev/zero', os.O_RDWR), {size} * MIB); keep.append(m)\n    for k in range({size}):\n"
    "        m[k * MIB:(k + 1) * MIB] = BLOCK; m.madvise(mmap.MADV_DONTNEED, k * MIB, MIB)",
    "for _ in range(110):\n        keep.append(socket.socketpair())\n        for one in keep[-1]:\n"
    "            one.setblocking(False); one.setsockopt(1, 7, MIB)\n            with contextlib.suppress(OSError):\n"
    "                while True: sent[0] += one.send(BLOCK[:32768])\n    return sent[0] >> 20",
)


def memory(rng: random.Random) -> Trick:
    """Memory that processes hold together, plain or where a watchdog can't easily see it."""
    size = rng.choice((20, 64, 96))
    hold = rng.choice(MEMORY).format(size=size)
    count = rng.choice((1, 4, 6))
    return Trick("memory", f"{FAMILY}sent = [0]\ndef hold():\n    {hold}\n    return {size}\nfamily({count}, hold)")


DISK = (
    "os.mkdir('d', {mode}); os.chdir('d')",
    "for _ in range(25):\n    os.mkdir('x' * 200); os.chdir('x' * 200)",
    "",
)
KEPT = (
    "",
    "fd = os.open(name, os.O_RDWR); at = C.mmap(None, ctypes.c_size_t(4096), 1, 1, fd, ctypes.c_long(0))\n"
    "    assert at not in (None, 2 ** 64 - 1)\n    os.unlink(name); os.close(fd)",
    "keep.append(open(name)); os.unlink(name)",
    "keep.append(open(name)); os.unlink(name); C.prctl(4, 0, 0, 0, 0)",
)


def disk(rng: random.Random) -> Trick:
    """Files in places and states in which they are hard to find."""
    place = rng.choice(DISK).format(mode=rng.choice(("0o300", "0o700", "0o000")))
    where = rng.choice(("", "os.chdir(top)"))
    write = (
        f"import ctypes, os, time\nC = ctypes.CDLL(None, use_errno=True)\nC.mmap.restype = ctypes.c_void_p\n"
        f"keep, held, top = [], 0, os.getcwd()\n{place}\nfor k in range(12):\n    name = f'f{{k}}'\n"
        "    with open(name, 'wb') as file: file.write(b'x' * (10 << 20))\n    held += 10\n    "
        f"{rng.choice(KEPT) or 'pass'}\n{where}\ntime.sleep(1.2)\nprint('held', held, 'MiB of disk')"
    )
    return Trick("disk", write)


def crowds(rng: random.Random) -> Trick:
    """Processes that spin, in sessions or groups of their own; a few say how they fare."""
    apart = rng.choice(("os.setsid()", "os.setpgid(0, 0)", "pass"))
    spin = f"""
import os, time
ends = []
for _ in range({rng.choice((6, 12, 18))}):
    r, w = os.pipe()
    if os.fork() == 0:
        try:
            {apart}
        except OSError: pass
        end = time.time() + 1.5
        while time.time() < end: pass
        os.write(w, f"{{os.getpriority(os.PRIO_PROCESS, 0)}} {{os.getsid(0) == os.getsid(os.getppid())}};".encode())
        os._exit(0)
    os.close(w)
    ends.append(r)
print('crowd', *{{one for r in ends for one in os.read(r, 100).decode().split(';') if one}}, sep=';')
"""
    return Trick("crowds", spin)


STORES = (
    "import mmap\n_kept = np.frombuffer(mmap.mmap(-1, 4096), dtype=float)[:1]",
    "open('kept', 'wb').write(bytes(8))\n_kept = np.memmap('kept', dtype=float, shape=(1,))",
)
LOOKED_UP = (
    "answer = _kept",
    "answer = _kept.reshape(())",
    "class Late(np.ndarray): pass\nanswer = _kept.view(Late)",
    "class Late(float):\n    def __float__(self): return float(_kept[0])\nanswer = Late()",
    "class Late(list):\n    def __iter__(self): return iter(_kept.tolist())\nanswer = Late([0.0])",
)


def memories(rng: random.Random) -> Trick:
    """A hidden input that a call keeps in memory or a file, for the answer to another question to show."""
    keep = f"import numpy as np\n{rng.choice(STORES)}"
    double = "def double(x):\n    _kept[0] = np.ravel(x)[0]\n    return 0"
    return Trick("memories", keep, answer=rng.choice(LOOKED_UP), double=double)


KINDS: dict[str, Callable[[random.Random], Trick]] = {
    "frames": frames,
    "displays": displays,
    "edits": edits,
    "memory": memory,
    "disk": disk,
    "crowds": crowds,
    "memories": memories,
}
PROOFS = {
    "frames": ("stalled",),
    "displays": ("acts", "recorded", "stalled"),
    "edits": ("not earned", "acts"),
    "memory": ("held",),
    "disk": ("held",),
    "crowds": ("not in the background",),
    "memories": ("a hidden input",),
}
