"""nbseal itself as a wheel, made from what is installed here, so that a container grades with the same engine."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from importlib import metadata
from pathlib import Path

import nbseal

LONG_AGO = (1980, 1, 1, 0, 0, 0)
KINDS = (".py", ".j2", ".ini", ".sh", ".typed")
BARE_METADATA = f"Metadata-Version: 2.1\nName: nbseal\nVersion: {nbseal.__version__}\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: nbseal\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def make_wheel() -> tuple[str, bytes]:
    """The wheel's file name and its content; the same code gives the same bytes."""
    package = Path(nbseal.__file__).parent
    info = f"nbseal-{nbseal.__version__}.dist-info"
    files = {
        f"nbseal/{path.relative_to(package).as_posix()}": path.read_bytes()
        for path in sorted(package.rglob("*"))
        if path.is_file() and path.suffix in KINDS
    }
    about = metadata.distribution("nbseal").read_text("METADATA") or BARE_METADATA
    files |= {
        f"{info}/METADATA": about.encode(),
        f"{info}/WHEEL": WHEEL.encode(),
        f"{info}/entry_points.txt": b"[console_scripts]\nnbseal = nbseal.cli:program\n",
    }
    record = "".join(f"{path},sha256={_digest(content)},{len(content)}\n" for path, content in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            entry = zipfile.ZipInfo(path, LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content)
    return f"nbseal-{nbseal.__version__}-py3-none-any.whl", buffer.getvalue()


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
