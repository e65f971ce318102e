"""Signing in to a hub as a program, and starting servers there."""

from __future__ import annotations

import time

import requests


def sign_in(address: str, name: str, password: str, *, verify: bool | str = True) -> requests.Session:
    """A session of somebody who gave a name and a password, right or wrong, once the hub was ready."""
    session = requests.Session()
    session.trust_env, session.verify = False, verify
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if "username_input" in session.get(f"{address}/hub/login", timeout=10).text:
                break
        except requests.ConnectionError:
            pass
        time.sleep(0.25)
    form = {"username": name, "password": password, "_xsrf": session.cookies.get("_xsrf", path="/hub/")}
    headers = {"Referer": f"{address}/hub/login"}
    session.post(f"{address}/hub/login", data=form, headers=headers, timeout=30)
    return session


def start_server(session: requests.Session, address: str) -> None:
    """Have somebody's server started; it may take a while until it answers."""
    session.get(f"{address}/hub/spawn", timeout=60)


def wait_for_lab(session: requests.Session, address: str, name: str) -> None:
    """Wait until the JupyterLab of a server that was started answers; before that the hub does in its place."""
    deadline = time.monotonic() + 120
    while 'id="jupyter-config-data"' not in (answer := session.get(f"{address}/user/{name}/lab", timeout=60)).text:
        assert time.monotonic() < deadline, answer.text[:500]
        time.sleep(0.5)
