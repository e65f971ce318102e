"""A machine for tests on which accounts can be made.

All of it happens in a mount namespace with a copy of /etc, so that the machine's own accounts stay as they are.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.courses import end, environment
from tests.functional.test_unprivileged import uncovering
from tests.samples import ROOT

GRADER = "grader-nn101"
NEEDED = ("openssl", "unshare", "nsenter", "setpriv", "mount", "useradd", "chpasswd")
COURSE = f"cp -r {ROOT}/source {ROOT}/graders {ROOT}/release {ROOT}/nbgrader_config.py /srv/course"
# A machine of its own: folders in memory, accounts in a copy of /etc.
MACHINE = """
mount -t tmpfs -o mode=755 none /srv
mkdir /srv/etc /srv/home /srv/course
cp -a /etc/. /srv/etc/
mount --bind /srv/etc /etc
mount --bind /srv/home /home
{uncovering}
{course}
cat > /srv/hub.toml
echo ready
exec sleep 1000
"""


class Machine:
    """Where accounts can be made; commands are run there as one of them."""

    def __init__(self, hold: Path, settings: str, *, course: bool = True) -> None:
        """Start one with the hub's settings in a file, and the course unless told otherwise."""
        script = MACHINE.format(uncovering=uncovering(str(hold)), course=COURSE if course else "")
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script]
        self._holder = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self._holder.stdin.write(settings)
        self._holder.stdin.close()
        assert self._holder.stdout.readline() == "ready\n"

    def command(self, *words: str) -> list[str]:
        """The command line that runs ``words`` there."""
        return ["nsenter", "--target", str(self._holder.pid), "--mount", "--", *words]

    def run(self, *words: str, user: str = "root", cwd: str = "", text: str = "", **more: str):
        """Run a command there; standard error goes to its output."""
        if user != "root":
            words = ("setpriv", "--reuid", user, "--regid", user, "--init-groups", "--inh-caps=-all", *words)
            more["HOME"] = f"/home/{user}"
        inside = ("env", "--chdir", cwd or more.get("HOME", "/"), *words)
        return subprocess.run(
            self.command(*inside), env=environment(**more), input=text, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=300, check=False,
        )  # fmt: skip

    def must(self, *words: str, **how: str) -> str:
        """Run a command that must succeed, and return its output."""
        done = self.run(*words, **how)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def nbgrader(self, user: str, role: str, *words: str, cwd: str = "") -> str:
        """Run nbgrader with a role's settings, though without a hub that could be asked who is in the course."""
        anybody = "--Authenticator.plugin_class=nbgrader.auth.NoAuthPlugin"
        command = (sys.executable, "-m", "nbgrader", *words, anybody)
        return self.must(*command, user=user, cwd=cwd, JUPYTER_CONFIG_PATH=f"/srv/state/jupyter/{role}")

    def close(self) -> None:
        """End it; all its folders are gone."""
        end(self._holder)
