"""A learning management system for tests: its keys, its launches, and its services by LTI 1.3 Advantage."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

ISSUER, CLIENT = "https://lms.example.org", "hub-at-example"
CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
SCOPES = {
    "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem",
    "https://purl.imsglobal.org/spec/lti-ags/scope/result.readonly",
    "https://purl.imsglobal.org/spec/lti-ags/scope/score",
    "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly",
}
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LEARNER = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"
PAGE = 2  # entries of a page
MEDIA = {
    "lineitems": "application/vnd.ims.lis.v2.lineitemcontainer+json",
    "lineitem": "application/vnd.ims.lis.v2.lineitem+json",
    "results": "application/vnd.ims.lis.v2.resultcontainer+json",
    "scores": "application/vnd.ims.lis.v1.score+json",
    "members": "application/vnd.ims.lti-nrps.v2.membershipcontainer+json",
}


@dataclass
class Trouble:
    """The next ``times`` requests to a path that ends in ``path`` are answered by ``status``; of one method, or all."""

    path: str
    status: int
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)
    method: str = ""
    carried_out: bool = False  # whether the platform does what it was asked before it answers so


class LtiPlatform:
    """What a platform knows, and what it was asked: ``log`` has method and path of each request to a service.

    ``tool_key`` is the public key that it knows of the tool, ``granted`` what the tool may do.
    """

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.tool_key: Any = None
        self.granted = set(SCOPES)
        self.members: list[dict[str, Any]] = []
        self.items: list[dict[str, Any]] = []
        self.scores: dict[tuple[str, str], dict[str, Any]] = {}
        self.tokens: dict[str, set[str]] = {}
        self.used: set[str] = set()
        self.troubles: list[Trouble] = []
        self.log: list[tuple[str, str]] = []
        self.next_link = "{address}"  # how the following page's address is given
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"platform": self}))
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        serve = partial(self.server.serve_forever, poll_interval=0.01)  # for which `close` waits
        threading.Thread(target=serve, daemon=True).start()

    def close(self) -> None:
        """Be gone."""
        self.server.shutdown()
        self.server.server_close()

    @property
    def settings(self) -> dict[str, str]:
        """What an operator writes as ``c.Lti``, but for the key."""
        return {
            "client_id": CLIENT,
            "token_url": f"{self.address}/token",
            "line_items_url": f"{self.address}/7/lineitems?type_id=3",
            "memberships_url": f"{self.address}/7/memberships",
        }

    def token(self, user: str, nonce: str, key: Any = None, **changed: object) -> str:
        """A signed token for a launch by ``user``."""
        now = int(time.time())
        claims = {
            "iss": ISSUER, "aud": CLIENT, "sub": "4711", "preferred_username": user, "nonce": nonce,
            "iat": now, "exp": now + 300, f"{CLAIM}version": "1.3.0", f"{CLAIM}deployment_id": "1",
            f"{CLAIM}message_type": "LtiResourceLinkRequest", f"{CLAIM}target_link_uri": "http://hub/hub/home",
            f"{CLAIM}roles": [], f"{CLAIM}resource_link": {"id": "1"},
        }  # fmt: skip
        return jwt.encode({**claims, **changed}, key or self.key, algorithm="RS256", headers={"kid": "one"})

    def enrol(self, *people: dict[str, Any]) -> None:
        """Have people in the course: learners, unless they say otherwise."""
        self.members += [{"status": "Active", "roles": [LEARNER], **person} for person in people]

    def asked(self) -> Counter[str]:
        """How often each kind of request was made."""
        return Counter(f"{method} {path.rpartition('/')[2]}" for method, path in self.log)

    def give_token(self, form: dict[str, str]) -> dict[str, Any] | str:
        """An access token for a signed assertion; the error's name for a bad one."""
        try:
            claims = jwt.decode(
                form["client_assertion"], self.tool_key, algorithms=["RS256"], audience=f"{self.address}/token",
                options={"require": ["iss", "sub", "aud", "iat", "exp", "jti"]},
            )  # fmt: skip
        except (jwt.InvalidTokenError, KeyError, TypeError):
            return "invalid_client"
        if {claims["iss"], claims["sub"]} != {CLIENT} or claims["jti"] in self.used:
            return "invalid_client"
        if form.get("grant_type") != "client_credentials" or not form.get("client_assertion_type", "").endswith(
            ":jwt-bearer"
        ):
            return "unsupported_grant_type"
        self.used.add(claims["jti"])
        scopes = set(form["scope"].split()) & self.granted
        token = f"token-{len(self.tokens)}"
        self.tokens[token] = scopes
        return {"access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": " ".join(sorted(scopes))}

    def put_score(self, item: str, score: dict[str, Any]) -> int:
        """Take a score as a platform does; the HTTP status."""
        who = next((one for one in self.members if one["user_id"] == score["userId"]), None)
        before = self.scores.get((item, score["userId"]))
        if who is None or LEARNER not in who["roles"]:
            return 403
        if score["gradingProgress"] != "FullyGraded" or (before and score["timestamp"] <= before["timestamp"]):
            return 400
        self.scores[item, score["userId"]] = score
        return 200

    def results(self, item: dict[str, Any]) -> list[dict[str, Any]]:
        """The results of a column, scaled to its points."""
        most = item["scoreMaximum"]
        return [
            {"id": f"{item['id']}/results/{user}", "scoreOf": item["id"], "userId": user, "resultMaximum": most,
             "resultScore": round(score["scoreGiven"] / score["scoreMaximum"] * most, 5)}
            for (path, user), score in self.scores.items() if path == urlsplit(item["id"]).path
        ]  # fmt: skip

    def marks(self, item: int = 0) -> dict[str, float]:
        """What stands in a column, by user."""
        return {result["userId"]: result["resultScore"] for result in self.results(self.items[item])}


class _Handler(BaseHTTPRequestHandler):
    platform: LtiPlatform

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/keys":
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.platform.key.public_key()))
            return self._give({"keys": [{**public, "kid": "one", "alg": "RS256", "use": "sig"}]})
        if not self._may():
            return None
        if path == "/7/memberships":
            return self._page(self.platform.members, "members", lambda part: {"id": path, "members": part})
        if path == "/7/lineitems":
            return self._page(self.platform.items, "lineitems", lambda part: part)
        if path.endswith("/results"):
            item = next(one for one in self.platform.items if urlsplit(one["id"]).path == path.removesuffix("/results"))
            return self._page(self.platform.results(item), "results", lambda part: part)
        return self._give({}, 404)

    def do_POST(self) -> None:
        path = urlsplit(self.path).path
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if path == "/token":
            if self._trouble():
                return None
            self.platform.log.append(("POST", path))
            given = self.platform.give_token({key: values[0] for key, values in parse_qs(body.decode()).items()})
            return self._give(
                {"error": given} if isinstance(given, str) else given, 400 if isinstance(given, str) else 200
            )
        if not self._may(lambda: self._do(path, json.loads(body))):
            return None
        status, answer = self._do(path, json.loads(body))
        return self._give(answer, status, MEDIA["lineitem"])

    def _do(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        kind = self.headers["Content-Type"]
        if path == "/7/lineitems" and kind == MEDIA["lineitem"]:
            number = len(self.platform.items)
            item = {**body, "id": f"{self.platform.address}/7/lineitems/{number}/lineitem?type_id=3"}
            self.platform.items.append(item)
            return 201, item
        if path.endswith("/scores") and kind == MEDIA["scores"]:
            return self.platform.put_score(path.removesuffix("/scores"), body), {}
        return 415, {}

    def _may(self, do: Any = None) -> bool:
        """Note the request; False if it was answered by trouble or for want of a token."""
        path = urlsplit(self.path).path
        self.platform.log.append((self.command, path))
        if self._trouble(do):
            return False
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.platform.tokens:
            self._give({}, 401)
            return False
        needed = {"memberships": "contextmembership.readonly", "results": "result.readonly", "scores": "score"}
        if not any(
            scope.endswith("/" + needed.get(path.rpartition("/")[2], "lineitem"))
            for scope in self.platform.tokens[token]
        ):
            self._give({}, 403)
            return False
        return True

    def _trouble(self, do: Any = None) -> bool:
        path = urlsplit(self.path).path
        for trouble in self.platform.troubles:
            if path.endswith(trouble.path) and trouble.times and trouble.method in ("", self.command):
                trouble.times -= 1
                if trouble.carried_out and do:
                    do()
                self._give({"message": "not now"}, trouble.status, headers=trouble.headers)
                return True
        return False

    def _page(self, entries: list[Any], kind: str, shape: Any) -> None:
        if self.headers.get("Accept") != MEDIA[kind]:
            return self._give({}, 406)
        query = parse_qs(urlsplit(self.path).query)
        start = int(query.get("from", ["0"])[0])
        headers = {}
        if start + PAGE < len(entries):
            address = f"{self.platform.address}{urlsplit(self.path).path}?from={start + PAGE}"
            headers["Link"] = f'<{self.platform.next_link.format(address=address)}>; rel="next"'
        return self._give(shape(entries[start : start + PAGE]), 200, MEDIA[kind], headers)

    def _give(self, value: Any, status: int = 200, kind: str = "application/json", headers: Any = None) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Type": kind, "Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
