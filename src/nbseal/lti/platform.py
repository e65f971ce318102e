"""Requests to a platform's services: access tokens, pages, waiting when it asks for that, and what went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

from nbseal.course import Course
from nbseal.errors import CourseError
from nbseal.lti.keys import assertion, read_key
from nbseal.text import one_line

AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SECONDS = 30.0  # for which an answer is waited for
ATTEMPTS = 5
LONGEST_WAIT = 120.0  # seconds; whoever asks for more is asked again by a person
BUSY = {429, 500, 502, 503, 504}
SAID = 200  # characters of an answer that a message repeats
WHERE = "docs/operators.md says where the platform shows it."
NEEDED = ("client_id", "token_url", "private_key_file")


class PlatformError(CourseError):
    """A platform refused a request; ``status`` is its HTTP status, 0 where it gave no answer."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class _Busy(PlatformError):
    """What may go well a moment later; ``wait`` is for how many seconds the platform asked, None if it didn't."""

    def __init__(self, message: str, status: int = 0, wait: float | None = None) -> None:
        super().__init__(message, status)
        self.wait = wait


class _Bearer(AuthBase):  # type: ignore[misc]
    """Sends the access token; with it in place, requests looks into no ~/.netrc."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class Platform:
    """One platform, by the settings ``c.Lti`` of a course; every request is about some ``scopes``.

    CourseError where settings are missing or wrong; PlatformError, which names address, cause and mend, for all that
    goes wrong on the way.
    """

    first_wait = 1.0  # seconds before the second attempt, doubled for each further one

    def __init__(self, course: Course, scopes: tuple[str, ...]) -> None:
        self.settings, self.scopes = course.lti, scopes
        for name in NEEDED:
            if not getattr(self.settings, name):
                raise CourseError(f"c.Lti.{name} is not set: {WHERE}")
        self.check(self.settings.token_url)
        path = course.root / self.settings.private_key_file
        if path.resolve().is_relative_to(course.root):
            raise CourseError(f"{path} is a private key in the course's folder: keep it outside.")
        self.key = read_key(path)
        self.session = requests.Session()
        self._token: _Bearer | None = None

    def close(self) -> None:
        """Hang up."""
        self.session.close()

    def check(self, address: str) -> str:
        """An address of the settings as it is; CourseError where a token would travel in the open."""
        parts = urlsplit(address)
        if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise CourseError(f"c.Lti has the address {address!r}: it must begin with https://.")
        return address

    def pages(self, address: str, kind: str) -> Iterator[Any]:
        """The content of a page and of those that follow it, by its Link headers."""
        seen = {address}
        following: str | None = address
        while following:
            answer = self.ask("GET", following, accept=kind)
            yield _json(answer)
            following = answer.links.get("next", {}).get("url")
            if following:
                self.check_same(address, following)
            if following in seen:
                raise PlatformError(f"{address}: its pages lead in a circle; tell the platform's operator.")
            seen.add(str(following))

    def ask(
        self, method: str, address: str, *, accept: str = "", kind: str = "", body: Any = None, again: bool = True
    ) -> requests.Response:
        """The answer to a request, with JSON in it where ``body`` is given.

        ``again``: whether it may be repeated where nobody knows if the platform has carried it out.
        """
        headers = {name: value for name, value in (("Accept", accept), ("Content-Type", kind)) if value}

        def attempt() -> requests.Response:
            answer = self._send(method, address, again, headers=headers, json=body, auth=self._bearer())
            if answer.status_code == 401:  # the token has run out, or was taken back
                self._token = None
                answer = self._send(method, address, again, headers=headers, json=body, auth=self._bearer())
            return _good(answer, again)

        return self._retrying(attempt)

    def check_same(self, address: str, other: str) -> str:
        """An address that the platform named; PlatformError if the token would go to somebody else with it."""
        if urlsplit(other)[:2] != urlsplit(address)[:2]:
            raise PlatformError(f"{address} names another server, {one_line(other)[:SAID]}: nothing is sent there.")
        return other

    def _bearer(self) -> _Bearer:
        if self._token is None:
            self._token = _Bearer(self._new_token())
        return self._token

    def _new_token(self) -> str:
        url = self.settings.token_url
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION,
            "client_assertion": assertion(self.key, self.settings.client_id, self.settings.audience or url),
            "scope": " ".join(self.scopes),
        }
        try:
            answer = _json(_good(self._send("POST", url, True, data=form), True))
        except _Busy:
            raise
        except PlatformError as error:
            raise PlatformError(
                f"no access: {error} Look at c.Lti and at the tool's key there.", error.status
            ) from None
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token:
            raise PlatformError(f"{url} gave no access token: is it right (c.Lti.token_url)?")
        given = str(answer.get("scope") or " ".join(self.scopes)).split()
        if lacking := set(self.scopes).difference(given):
            raise PlatformError(f"{url} doesn't allow {', '.join(sorted(lacking))}: allow the tool that there.")
        return token

    def _send(self, method: str, address: str, again: bool, **how: Any) -> requests.Response:
        try:
            return self.session.request(method, address, timeout=SECONDS, allow_redirects=False, **how)
        except (requests.ConnectionError, requests.Timeout) as error:
            kind = _Busy if again or isinstance(error, requests.ConnectTimeout) else PlatformError
            raise kind(f"{address}: no answer ({type(error).__name__}); look at the network, and run again.") from error
        except requests.RequestException as error:
            raise PlatformError(f"{address}: {one_line(str(error))[:SAID]}") from error

    def _retrying(self, attempt: Any) -> requests.Response:
        usual = wait_exponential(multiplier=self.first_wait, max=LONGEST_WAIT) + wait_random(0, self.first_wait)

        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = error.wait if isinstance(error, _Busy) else None
            return usual(state) if asked is None else asked

        stop = stop_after_attempt(ATTEMPTS)
        found: requests.Response = Retrying(
            retry=retry_if_exception_type(_Busy),
            stop=lambda state: stop(state) or wait(state) > LONGEST_WAIT,
            wait=wait,
            reraise=True,
        )(attempt)
        return found


def _good(answer: requests.Response, again: bool) -> requests.Response:
    """An answer that is one; what went wrong with another, in the platform's own words."""
    status = answer.status_code
    if 200 <= status < 300:
        return answer
    said = one_line(answer.text[: 4 * SAID])[:SAID]
    text = f"{answer.url.partition('?')[0]}: {status} {answer.reason}{f' ({said})' if said else ''}"
    if status == 429 or (status in BUSY and again):
        wait = _seconds(answer.headers.get("Retry-After", ""))
        asks = f" It asks to wait {wait:.0f} seconds." if wait is not None else ""
        raise _Busy(f"{text}: it is busy; run again later.{asks}", status, wait)
    raise PlatformError(f"{text}.", status)


def _seconds(text: str) -> float | None:
    """What Retry-After says, as a number or as a date."""
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _json(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except requests.JSONDecodeError as error:
        address = answer.url.partition("?")[0]
        raise PlatformError(f"{address} gave no JSON: is it the address of the service?") from error
