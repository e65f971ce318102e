"""The command ``nbseal-hub``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from nbseal_hub.errors import HubError

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The course on a JupyterHub.")
Settings = Annotated[Path, typer.Argument(help="the hub's settings file (TOML)")]


@app.command()
def demo(
    state: Annotated[Path, typer.Option(help="folder that keeps everything")] = Path(".hub"),
    course: Annotated[Path, typer.Option(help="course directory to start from")] = Path(),
) -> None:
    """Run a hub with a small class here, until Ctrl-C."""
    from nbseal_hub.demo import make_demo, serve
    from nbseal_hub.proxy import install_proxy

    install_proxy()
    serve(make_demo(state, course))


@app.command()
def run(settings: Settings) -> None:
    """Run the hub of a settings file; it ends cleanly on SIGTERM."""
    from nbseal_hub import launch

    launch.run(settings)


@app.command()
def setup(settings: Settings) -> None:
    """Make the accounts and folders that a settings file names, or mend them; as root."""
    from nbseal_hub.system import setup

    print("\n".join(setup(settings)))


@app.command()
def backup(settings: Settings, archive: Annotated[Path, typer.Argument(help="file to write (.tar.gz)")]) -> None:
    """Write course, gradebook, exchange and the hub's database to an archive; the hub may run."""
    from nbseal_hub.backup import backup

    print(f"{archive}: {backup(settings, archive) / 1e6:.1f} MB")


@app.command()
def restore(settings: Settings, archive: Annotated[Path, typer.Argument(help="what `backup` wrote")]) -> None:
    """Put a backup back; the hub must not run. What was there is kept beside it."""
    from nbseal_hub.backup import restore

    for path in restore(settings, archive):
        print(f"kept: {path}")
    print(f"restored from {archive}")


@app.command()
def link(
    hub: Annotated[str, typer.Argument(help="the hub's address as students type it")],
    repository: Annotated[str, typer.Argument(help="address of a git repository with the release")],
    branch: Annotated[str, typer.Option(help="its branch")] = "main",
    path: Annotated[str, typer.Option(help="file or folder to open")] = "",
) -> None:
    """Print a link that brings a git repository into a student's folder, and opens it."""
    from nbseal_hub.links import release_link

    print(release_link(hub, repository, branch=branch, path=path))


@app.command("install-proxy")
def install() -> None:
    """Install the proxy that stands before the hub into this Python environment."""
    from nbseal_hub.proxy import install_proxy

    install_proxy()


def main() -> None:
    """Run the command; what an operator can mend is one message and exit status 1."""
    try:
        app()
    except HubError as error:
        print(f"nbseal-hub: {error}", file=sys.stderr)
        sys.exit(1)
