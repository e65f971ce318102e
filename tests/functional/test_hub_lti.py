"""Signing in from a learning management system by LTI 1.3: a real hub, and a platform of ours that signs tokens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest
import requests

pytest.importorskip("jupyterhub", reason="JupyterHub is not installed (the hub extra has it)")

from cryptography.hazmat.primitives.asymmetric import rsa

from nbseal_hub.demo import make_demo
from nbseal_hub.launch import address, running
from nbseal_hub.proxy import install_proxy
from tests.lti_platform import CLIENT, ISSUER, LtiPlatform
from tests.ports import free_ports
from tests.samples import ROOT

pytestmark = pytest.mark.slow
LTI = """
[lti]
issuer = "{issuer}"
client_id = "{client}"
authorize_url = "{platform}/authorize"
jwks_url = "{platform}/keys"
username_key = "preferred_username"
"""


@pytest.fixture(scope="module")
def platform() -> Iterator[LtiPlatform]:
    """A platform that answers."""
    made = LtiPlatform()
    yield made
    made.close()


@pytest.fixture(scope="module")
def hub(platform: LtiPlatform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a hub that trusts the platform."""
    install_proxy()
    path: Path = make_demo(tmp_path_factory.mktemp("lti") / "state", ROOT, free_ports(1), free_ports(3))
    with path.open("a", encoding="utf-8") as file:
        file.write(LTI.format(issuer=ISSUER, client=CLIENT, platform=platform.address))
    with running(path) as settings:
        yield address(settings)


@pytest.fixture
def launch(hub: str) -> Callable[..., requests.Response]:
    """Goes from the platform to the hub and back, with a token that ``make`` signs for the hub's nonce."""

    def go(make: Callable[[str], str]) -> requests.Response:
        session = requests.Session()
        session.trust_env = False
        begin = {"iss": ISSUER, "login_hint": "1", "target_link_uri": f"{hub}/hub/home", "client_id": CLIENT}
        sent = session.get(f"{hub}/hub/lti13/oauth_login", params=begin, allow_redirects=False, timeout=30)
        assert sent.status_code == 302
        query = {name: values[0] for name, values in parse_qs(urlparse(sent.headers["Location"]).query).items()}
        assert query["redirect_uri"] == f"{hub}/hub/lti13/oauth_callback"
        form = {"id_token": make(query["nonce"]), "state": query["state"]}
        return session.post(query["redirect_uri"], data=form, timeout=30)

    return go


def test_a_student_of_the_course_is_signed_in(platform, launch):
    """A launch ends on the hub's own page, as the person whom the platform names."""
    answer = launch(lambda nonce: platform.token("student1", nonce))
    assert answer.status_code == 200, answer.text
    assert answer.url.endswith("/hub/home")
    assert "student1" in answer.text


def test_who_is_not_of_the_course_is_refused(platform, launch):
    """The platform's word doesn't make somebody a student here, and a token without the name doesn't either."""
    for user in ("stranger", ""):
        answer = launch(lambda nonce, user=user: platform.token(user, nonce))
        assert answer.status_code == 403


def test_a_token_that_the_platform_did_not_make_for_us_is_refused(platform, launch):
    """Another key, another issuer, another client, an old token and another launch's nonce open nothing."""
    forger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    forged = [
        lambda nonce: platform.token("student1", nonce, key=forger),
        lambda nonce: platform.token("student1", nonce, iss="https://other.example.org"),
        lambda nonce: platform.token("student1", nonce, aud="somebody-else"),
        lambda nonce: platform.token("student1", nonce, exp=int(time.time()) - 600),
        lambda nonce: platform.token("student1", "0" * len(nonce)),
    ]
    for make in forged:
        answer = launch(make)
        assert answer.status_code in (400, 401, 403)
        assert "student1" not in answer.text
