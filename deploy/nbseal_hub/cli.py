"""The command ``nbseal-hub``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from nbseal_hub.errors import HubError

PATH = click.Path(path_type=Path)
settings_argument = click.argument("settings", type=PATH, help="The hub's settings file (TOML).")


class LinuxCommand(click.Command):
    """A command for the machine on which the hub runs."""

    def invoke(self, ctx: click.Context) -> Any:
        """Do what the command line says; on another system say where to say it."""
        if sys.platform != "linux":
            raise HubError(
                f"{ctx.info_name} needs Linux: run it there, or in WSL 2 on Windows; a hub can be a container."
            )
        return super().invoke(ctx)


@click.group()
def app() -> None:
    """The course on a JupyterHub."""


@app.command(cls=LinuxCommand)
@click.option("--state", type=PATH, default=Path(".hub"), show_default=True, help="Folder that keeps everything.")
@click.option("--course", type=PATH, default=Path(), show_default="here", help="Course directory to start from.")
def demo(state: Path, course: Path) -> None:
    """Run a hub with a small class here, until Ctrl-C."""
    from nbseal_hub.demo import make_demo, serve
    from nbseal_hub.proxy import install_proxy

    install_proxy()
    serve(make_demo(state, course))


@app.command(cls=LinuxCommand)
@settings_argument
def run(settings: Path) -> None:
    """Run the hub of a settings file until SIGTERM."""
    from nbseal_hub import launch

    launch.run(settings)


@app.command(cls=LinuxCommand)
@settings_argument
def setup(settings: Path) -> None:
    """Create or repair a hub's accounts and folders (as root)."""
    from nbseal_hub.system import setup

    print("\n".join(setup(settings)))


@app.command(cls=LinuxCommand)
@settings_argument
@click.argument("archive", type=PATH, help="File to write (.tar.gz).")
def backup(settings: Path, archive: Path) -> None:
    """Write everything to an archive; the hub may run.

    Course, gradebook, exchange and the hub's database.
    """
    from nbseal_hub.backup import backup

    print(f"{archive}: {backup(settings, archive) / 1e6:.1f} MB")


@app.command(cls=LinuxCommand)
@settings_argument
@click.argument("archive", type=PATH, help="What `backup` wrote.")
def restore(settings: Path, archive: Path) -> None:
    """Put a backup back; the hub must not run.

    What was there is kept beside it. On a new machine, accounts and folders are made too.
    """
    from nbseal_hub.backup import restore

    restored = restore(settings, archive)
    for path in restored.kept:
        print(f"kept: {path}")
    print("\n".join([*restored.said, f"restored from {archive}; start the hub: nbseal-hub run {settings}"]))


@app.group()
def student() -> None:
    """Export or delete what course, exchange and hub keep about one student."""


@student.command("export", cls=LinuxCommand)
@settings_argument
@click.argument("name", help="The student's account.")
@click.option("--output", "-o", type=PATH, default=Path("student.zip"), show_default=True, help="The file to be made.")
def export_student(settings: Path, name: str, output: Path) -> None:
    """Write it into a zip; as root, the hub may run."""
    from nbseal_hub.students import export_student

    print("\n".join([*export_student(settings, name, output), f"{output}: what is kept about {name}"]))


@student.command("delete", cls=LinuxCommand)
@settings_argument
@click.argument("name", help="The student's account.")
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@click.option("--yes", is_flag=True, help="Delete without asking.")
def delete_student(settings: Path, name: str, dry_run: bool, yes: bool) -> None:
    """Delete it, for good; as root.

    The name must be out of the settings. If it was stopped, give the command again.
    """
    from nbseal_hub.students import delete_student

    def confirm(lines: list[str]) -> bool:
        print("\n".join(lines))
        return not dry_run and (yes or click.confirm(f"Delete all of this about {name}?"))

    print("\n".join(delete_student(settings, name, confirm)))


@app.command()
@click.argument("hub", help="The hub's address as students type it.")
@click.argument("repository", help="Address of a git repository with the release.")
@click.option("--branch", default="main", show_default=True, help="Its branch.")
@click.option("--path", default="", help="File or folder to open.")
def link(hub: str, repository: str, branch: str, path: str) -> None:
    """Print a link that brings a git repository to students.

    It opens there as a copy of their own.
    """
    from nbseal_hub.links import release_link

    print(release_link(hub, repository, branch=branch, path=path))


@app.command(cls=LinuxCommand)
def install_proxy() -> None:
    """Install the proxy that the hub sits behind."""
    from nbseal_hub.proxy import install_proxy

    install_proxy()


def main() -> None:
    """Run the command; what an operator can mend is one message and exit status 1."""
    try:
        app()
    except HubError as error:
        sys.exit(f"nbseal-hub: {error}")
    except ModuleNotFoundError as error:
        sys.exit(f"nbseal-hub: {error.name} is not installed: pip install 'nbseal[hub]'.")
