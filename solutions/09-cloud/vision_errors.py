"""Says in one sentence what went wrong with a vision service, and what mends it.

VisionError      what the asker sees, the same for all three services
Failure          what happened, before it is put into words
  Refused        the service answered, but with an error
  TooSlow        no answer within the time allowed
  Unreachable    nothing listens there, or there is no network
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

NAMES = {"google": "Google Cloud Vision", "azure": "Azure AI Vision", "amazon": "Amazon Rekognition"}
LIMITS = {"google": "7 MB", "azure": "20 MB", "amazon": "5 MB"}  # Google's 10 MB hold the photo as base64
VARIABLES = {
    "google": "GOOGLE_API_KEY or GOOGLE_APPLICATION_CREDENTIALS",
    "azure": "VISION_ENDPOINT and VISION_KEY",
    "amazon": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_DEFAULT_REGION",
}
SECRETS = (
    "GOOGLE_API_KEY", "VISION_KEY", "VISION_REPLAY_KEY",
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
)  # fmt: skip
# Services say some things with a status of their own; what it means is the same for all.
MEANINGS = {
    "API_KEY_INVALID": 401,
    "UnrecognizedClientException": 401,
    "InvalidSignatureException": 401,
    "MissingAuthenticationTokenException": 401,
    "ExpiredTokenException": 401,
    "AccessDeniedException": 403,
    "ImageTooLargeException": 413,
    "InvalidImageSize": 413,
    "ProvisionedThroughputExceededException": 429,
    "ThrottlingException": 429,
}
TOO_LARGE = ("larger than", "payload size exceeds", "too large")


class VisionError(RuntimeError):
    """A service gave no answer.

    ``status`` is what it means in HTTP's terms, the same for all services (400, 401, 403, 413, 429, 500 …; 200 for an
    error of one photo inside Google's answer; None when no answer came). ``code`` is the service's own word, and
    ``retry_after`` the seconds that it asks to wait.
    """

    def __init__(
        self, service: str, status: int | None, message: str, retry_after: float | None = None, code: str = ""
    ) -> None:
        super().__init__(f"{NAMES.get(service, service)} {without_keys(message)}")
        self.service, self.status, self.retry_after, self.code = service, status, retry_after, code

    @property
    def message(self) -> str:
        """The sentence."""
        return str(self)


class Failure(Exception):
    """What happened to one call."""


class Refused(Failure):
    """The service's own answer, an error: HTTP status, its code and text, and the header Retry-After."""

    def __init__(self, http: int, code: str, text: str, retry_after: str | None = None) -> None:
        super().__init__(code)
        self.http, self.code, self.text = http, code, " ".join(text.split())
        self.retry_after = seconds(retry_after)

    @property
    def status(self) -> int:
        """What the answer means, whatever HTTP status it came with."""
        if self.http == 400 and any(words in self.text for words in TOO_LARGE):
            return 413
        return MEANINGS.get(self.code, self.http)


class TooSlow(Failure):
    """No answer within the time allowed."""


class Unreachable(Failure):
    """No connection."""


def seconds(header: str | None) -> float | None:
    """Retry-After in seconds from now; it may be a number or a date (RFC 9110, section 10.2.3)."""
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def without_keys(text: str) -> str:
    """The text with every key of the environment blotted out."""
    for name in SECRETS:
        for key in {os.environ.get(name, ""), os.environ.get(name, "").strip()}:
            if len(key) >= 4:
                text = text.replace(key, "•••")
    return text


def explain(service: str, error: Exception, address: str, timeout: float, real: bool) -> VisionError:
    """Turn whatever a call raised into a VisionError. Only a service's own words are repeated."""
    if isinstance(error, Refused):
        return _refused(service, error, real)
    if isinstance(error, TooSlow):
        mend = "Try again, or set VISION_TIMEOUT to more seconds."
        return VisionError(service, None, f"did not answer within {timeout:g} seconds. {mend}")
    if isinstance(error, Unreachable):
        mend = (
            "Is this computer on line?"
            if real
            else "Start the replay server: python replay_server.py (it cannot run while work is graded)."
        )
        return VisionError(service, None, f"could not be reached: nothing answers at {address}. {mend}")
    what = f"could not be asked: its Python package raised {type(error).__name__}."
    return VisionError(service, None, f"{what} Check {VARIABLES[service] if real else 'VISION_REPLAY_URL'}.")


def _refused(service: str, error: Refused, real: bool) -> VisionError:
    code = "" if error.code == str(error.http) else f" {error.code}"
    said = f"answered {error.http}{code}: “{error.text.rstrip('.')}”."
    message = f"{said} {_mend(service, error, real)}"
    return VisionError(service, error.status, message, error.retry_after, error.code)


def _mend(service: str, error: Refused, real: bool) -> str:
    keys = VARIABLES[service] if real else "VISION_REPLAY_KEY"
    wait = "a little" if error.retry_after is None else f"{error.retry_after:.{0 if error.retry_after >= 10 else 1}f} s"
    mends = {
        200: "This photo has no labels because it could not be used; check that it is a PNG or JPEG file.",
        401: f"The key is missing, wrong or expired: set {keys} before Python starts.",
        403: "The key may not do this: enable the service for it in the provider's console.",
        413: f"The photo is too large: send a smaller copy, at most {LIMITS[service]}.",
        429: f"Too many calls: wait {wait}, then ask again, more slowly.",
    }
    if error.status >= 500:
        return "The fault is the service's: ask again in a minute."
    return mends.get(error.status, "Check the photo: send the bytes of a PNG or JPEG file.")
