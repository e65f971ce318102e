"""Asks three vision services through their makers' own Python packages, or the replay server through the same packages.

A service is asked for real when its maker's usual variables are in the environment:

    google   GOOGLE_API_KEY, or GOOGLE_APPLICATION_CREDENTIALS (the path of a service account's key file)
    azure    VISION_ENDPOINT and VISION_KEY
    amazon   AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (AWS_SESSION_TOKEN), and AWS_DEFAULT_REGION or AWS_REGION

Otherwise, and always when VISION_REPLAY_ONLY is set, the call goes to the replay server at VISION_REPLAY_URL
(http://127.0.0.1:8909) with the key VISION_REPLAY_KEY ("replay-key"). VISION_TIMEOUT: seconds to wait (20).
"""

from __future__ import annotations

import importlib.util
import json
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from vision_errors import Failure, Refused, TooSlow, Unreachable, VisionError, explain

__all__ = ["RecordedAnswerWarning", "VisionError", "ask_amazon", "ask_azure", "ask_google", "available", "replay_note"]

REPLAY_URL = "http://127.0.0.1:8909"
TIMEOUT = 20.0
ATTEMPTS = 3  # at most, in all
LONGEST_WAIT = 5.0  # seconds; a service that asks for a longer pause is not asked again
MOST_LABELS = 20
PACKAGES = {
    "google": ("google.cloud.vision", "google-cloud-vision"),
    "azure": ("azure.ai.vision.imageanalysis", "azure-ai-vision-imageanalysis"),
    "amazon": ("boto3", "boto3"),
}
KEYS = {
    "google": [("GOOGLE_API_KEY",), ("GOOGLE_APPLICATION_CREDENTIALS",)],
    "azure": [("VISION_ENDPOINT", "VISION_KEY")],
    "amazon": [("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")],
}


class RecordedAnswerWarning(UserWarning):
    """The replay server does not know this photo, and gave the recorded answer for another one."""


@dataclass(frozen=True)
class Place:
    """Where one call goes. The key is never shown."""

    real: bool
    url: str
    timeout: float
    key: str = field(repr=False)


def ask_google(photo: bytes) -> dict[str, Any]:
    """Google Cloud Vision's answer for one photo: one element of the REST form's "responses"."""
    return _ask("google", photo, _google)


def ask_azure(photo: bytes) -> dict[str, Any]:
    """Azure Image Analysis 4.0's answer for one photo (tags and objects)."""
    return _ask("azure", photo, _azure)


def ask_amazon(photo: bytes) -> dict[str, Any]:
    """Amazon Rekognition's answer for one photo (DetectLabels), without the package's ResponseMetadata."""
    return _ask("amazon", photo, _amazon)


def available() -> dict[str, str]:
    """For each service "keys", "replay", or what to install."""
    return {service: _missing(service) or ("keys" if _has_keys(service) else "replay") for service in PACKAGES}


def replay_note(photo: bytes) -> str:
    """The replay server's remark about a photo that it does not know; empty for a photo that it knows."""
    request = Request(f"{_replay_url('replay')}/_which", data=photo, method="POST")
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=5) as reply:
            return str(json.loads(reply.read())["note"])
    except (OSError, ValueError, KeyError):
        return ""


def _ask(service: str, photo: bytes, call: Callable[[bytes, Place], dict[str, Any]]) -> dict[str, Any]:
    if not isinstance(photo, bytes | bytearray | memoryview):
        got = f"needs the photo's bytes, but got a {type(photo).__name__}"
        raise VisionError(service, None, f"{got}: read the file, Path('photo.png').read_bytes().")
    photo = bytes(photo)
    if not photo:
        raise VisionError(service, None, "needs the photo's bytes, but got none: is the file empty?")
    if missing := _missing(service):
        raise VisionError(service, None, f"cannot be asked. {missing}.")
    place = _place(service)
    answer, error = _patiently(service, place, lambda: call(photo, place))
    if error is not None:
        raise error
    note = "" if place.real else replay_note(photo)
    if note:
        warnings.warn(note, RecordedAnswerWarning, stacklevel=3)
    return answer


def _patiently(
    service: str, place: Place, call: Callable[[], dict[str, Any]]
) -> tuple[dict[str, Any], VisionError | None]:
    """Call, and again after a pause when the service is too busy; returns the answer or the error."""
    from tenacity import RetryError, Retrying, retry_if_result, stop_after_attempt

    # an error is handed back, not raised: its traceback would hold the packages' frames, and those hold the key
    def once() -> tuple[dict[str, Any], VisionError | None]:
        try:
            return call(), None
        except Exception as error:
            return {}, explain(service, error, place.url, place.timeout, place.real)

    def pause(state: Any) -> float:
        asked: float | None = state.outcome.result()[1].retry_after
        return 0.5 * 2.0 ** (state.attempt_number - 1) if asked is None else asked

    retrying = Retrying(stop=stop_after_attempt(ATTEMPTS), wait=pause, retry=retry_if_result(_worth_repeating))
    try:
        return retrying(once)
    except RetryError as tired:
        return tired.last_attempt.result()


def _worth_repeating(outcome: tuple[dict[str, Any], VisionError | None]) -> bool:
    error = outcome[1]
    return error is not None and error.status in (429, 503) and (error.retry_after or 0) <= LONGEST_WAIT


def _google(photo: bytes, place: Place) -> dict[str, Any]:
    import requests
    from google.api_core.client_options import ClientOptions
    from google.api_core.exceptions import GoogleAPICallError
    from google.auth.exceptions import TransportError
    from google.cloud import vision

    options = ClientOptions(api_key=place.key or None, api_endpoint=place.url)
    features = [
        {"type_": vision.Feature.Type.LABEL_DETECTION, "max_results": MOST_LABELS},
        {"type_": vision.Feature.Type.OBJECT_LOCALIZATION, "max_results": MOST_LABELS},
    ]
    try:
        with vision.ImageAnnotatorClient(transport="rest", client_options=options) as client:
            request = {"image": {"content": photo}, "features": features}
            reply = client.annotate_image(request, retry=None, timeout=place.timeout)
    except GoogleAPICallError as error:
        raise _google_refused(error) from None
    except requests.exceptions.Timeout:
        raise TooSlow from None
    except (requests.exceptions.ConnectionError, TransportError):
        raise Unreachable from None
    if reply.error.code:
        raise Refused(200, f"with error {reply.error.code} inside", reply.error.message)
    return vision.AnnotateImageResponse.to_dict(
        reply,
        preserving_proto_field_name=False,
        use_integers_for_enums=False,
        always_print_fields_with_no_presence=False,
    )


def _google_refused(error: Any) -> Failure:
    """The body's own words: the package's message repeats the address."""
    try:
        body = error.response.json()["error"]
        reasons = [detail["reason"] for detail in body.get("details", []) if "reason" in detail]
        code, text = [*reasons, body.get("status", "")][0], body.get("message", "")
    except (AttributeError, ValueError, KeyError, TypeError):
        code, text = "", type(error).__name__
    headers = getattr(error.response, "headers", {})
    return Refused(int(error.code or 500), code, text, headers.get("Retry-After"))


def _azure(photo: bytes, place: Place) -> dict[str, Any]:
    from azure.ai.vision.imageanalysis import ImageAnalysisClient
    from azure.ai.vision.imageanalysis.models import VisualFeatures
    from azure.core import exceptions
    from azure.core.credentials import AzureKeyCredential

    wait = {"connection_timeout": place.timeout, "read_timeout": place.timeout, "retry_total": 0}
    try:
        with ImageAnalysisClient(place.url, AzureKeyCredential(place.key), **wait) as client:
            return client.analyze(photo, [VisualFeatures.TAGS, VisualFeatures.OBJECTS]).as_dict()
    except exceptions.HttpResponseError as error:
        said = error.error
        inner = (getattr(said, "innererror", None) or {}).get("code", "")
        text = getattr(said, "message", None) or error.reason or ""
        headers = error.response.headers if error.response is not None else {}
        code = inner or getattr(said, "code", None) or ""
        raise Refused(error.status_code or 500, code, text, headers.get("Retry-After")) from None
    except (exceptions.ServiceRequestTimeoutError, exceptions.ServiceResponseTimeoutError):
        raise TooSlow from None
    except (exceptions.ServiceRequestError, exceptions.ServiceResponseError):
        raise Unreachable from None


def _amazon(photo: bytes, place: Place) -> dict[str, Any]:
    import boto3
    from botocore import exceptions
    from botocore.config import Config

    wait = Config(connect_timeout=place.timeout, read_timeout=place.timeout, retries={"total_max_attempts": 1})
    if place.real:
        options = {"region_name": os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")}
    else:
        options = {"region_name": "eu-central-1", "endpoint_url": place.url}
        options |= {"aws_access_key_id": place.key, "aws_secret_access_key": "replay"}
    client = boto3.client("rekognition", config=wait, **options)
    try:
        answer = client.detect_labels(Image={"Bytes": photo}, MaxLabels=MOST_LABELS, MinConfidence=0)
    except exceptions.ClientError as error:
        said, meta = error.response["Error"], error.response["ResponseMetadata"]
        after = meta.get("HTTPHeaders", {}).get("retry-after")
        raise Refused(meta["HTTPStatusCode"], said.get("Code", ""), said.get("Message", ""), after) from None
    except (exceptions.ReadTimeoutError, exceptions.ConnectTimeoutError):
        raise TooSlow from None
    except (exceptions.HTTPClientError, exceptions.EndpointConnectionError):
        raise Unreachable from None
    finally:
        client.close()
    answer.pop("ResponseMetadata", None)
    return answer


def _place(service: str) -> Place:
    timeout = _timeout(service)
    if not _has_keys(service):
        return Place(False, _replay_url(service), timeout, os.environ.get("VISION_REPLAY_KEY", "replay-key").strip())
    if service == "google":
        return Place(True, "vision.googleapis.com", timeout, os.environ.get("GOOGLE_API_KEY", "").strip())
    if service == "azure":
        endpoint = os.environ["VISION_ENDPOINT"].strip()
        if not endpoint.startswith("https://"):
            raise VisionError(
                service, None, "needs VISION_ENDPOINT to begin with https://: a key must not go in clear."
            )
        return Place(True, endpoint, timeout, os.environ["VISION_KEY"].strip())
    return Place(True, "Amazon's endpoint of the region", timeout, "")


def _replay_url(service: str) -> str:
    """The replay server's address, which must be on this computer; proxies are told to leave it alone."""
    url = os.environ.get("VISION_REPLAY_URL", REPLAY_URL).rstrip("/")
    host = urlsplit(url).hostname
    if host not in ("127.0.0.1", "localhost") or not url.startswith("http://"):
        raise VisionError(
            service, None, f"is replayed on this computer only: VISION_REPLAY_URL must be like {REPLAY_URL}."
        )
    for name in ("no_proxy", "NO_PROXY"):
        hosts = os.environ.get(name, "").split(",")
        if host not in hosts:
            os.environ[name] = ",".join([*filter(None, hosts), host])
    return url


def _timeout(service: str) -> float:
    try:
        timeout = float(os.environ.get("VISION_TIMEOUT", TIMEOUT))
    except ValueError:
        timeout = 0.0
    if not 0 < timeout <= 600:
        raise VisionError(service, None, "needs VISION_TIMEOUT to be a number of seconds between 0 and 600.")
    return timeout


def _has_keys(service: str) -> bool:
    if os.environ.get("VISION_REPLAY_ONLY"):
        return False
    return any(all(os.environ.get(name, "").strip() for name in names) for names in KEYS[service])


def _missing(service: str) -> str:
    """What to install before the service can be asked, or nothing."""
    module, package = PACKAGES[service]
    if _installed(module) and _installed("tenacity"):
        return ""
    return f"SDK missing: pip install 'nbseal[cloud]' (or only: pip install {package} tenacity)"


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False
