"""Links that bring a git repository with released assignments into a student's folder (nbgitpuller)."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from nbseal_hub.errors import HubError


def release_link(hub: str, repository: str, *, branch: str = "main", path: str = "") -> str:
    """The link that gets or updates ``repository`` and opens ``path`` in it.

    Args:
        hub: the hub's address as students type it.
        path: file or folder in the repository.
    """
    for address in (hub, repository):
        if not urlsplit(address).scheme:
            raise HubError(f"{address!r} is not an address; it must begin with https:// or the like.")
    folder = urlsplit(repository).path.rstrip("/").rpartition("/")[2].removesuffix(".git")
    query = {"repo": repository, "branch": branch, "urlpath": f"lab/tree/{folder}/{path}".rstrip("/")}
    return f"{hub.rstrip('/')}/hub/user-redirect/git-pull?{urlencode(query)}"
