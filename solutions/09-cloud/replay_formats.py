"""The three services' wire formats: checks one request as the service would, and answers from the recordings.

Sources of the forms: Google's REST reference of images:annotate (v1), Azure's REST reference of Image Analysis 4.0
(2023-10-01) and 3.2, and botocore's description of Rekognition (JSON 1.1). Sizes are in bytes.
"""

from __future__ import annotations

import binascii
import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from recorded_answers import Answer, Recorded, is_image, marked

GOOGLE_LIMIT, GOOGLE_BATCH = 10_485_760, 16  # of the whole JSON request; requests in it
AZURE_LIMIT, AMAZON_LIMIT = 20_971_520, 5_242_880  # of the photo
SLOW = 30.0  # seconds that "replay:slow" waits
GOOGLE_PARTS = {"LABEL_DETECTION": "labelAnnotations", "OBJECT_LOCALIZATION": "localizedObjectAnnotations"}
GOOGLE_FEATURES = {  # JSON made from Protocol Buffers may name an enumeration's value or give its number
    "FACE_DETECTION": 1, "LANDMARK_DETECTION": 2, "LOGO_DETECTION": 3, "LABEL_DETECTION": 4, "TEXT_DETECTION": 5,
    "SAFE_SEARCH_DETECTION": 6, "IMAGE_PROPERTIES": 7, "CROP_HINTS": 9, "WEB_DETECTION": 10,
    "DOCUMENT_TEXT_DETECTION": 11, "PRODUCT_SEARCH": 12, "OBJECT_LOCALIZATION": 19,
}  # fmt: skip
AZURE_PARTS = {"tags": "tagsResult", "objects": "objectsResult", "caption": "captionResult"}
AZURE_OTHERS = {"densecaptions", "read", "smartcrops", "people"}
AZURE32_PARTS = {"tags": "tags", "objects": "objects"}
AZURE32_OTHERS = {"adult", "brands", "categories", "color", "description", "faces", "imagetype"}
AZURE_VERSIONS = {"2023-10-01", "2024-02-01"}


@dataclass(frozen=True)
class Request:
    """One call: header names in lower case."""

    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def kind(self) -> str:
        """The content type without its parameters."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower()


class Refused(Exception):
    """The service would not do this; the argument is a kind of error in recorded/errors.json."""


def answer(service: str, request: Request, recorded: Recorded) -> Answer:
    """Return what ``service`` (google, azure, azure32 or amazon) answers to one request."""
    try:
        return ANSWERS[service](request, recorded)
    except Refused as refusal:
        return recorded.error(service, str(refusal))


def google(request: Request, recorded: Recorded) -> Answer:
    """Cloud Vision v1 ``images:annotate``: several photos in one call, and an error of one photo inside a 200."""
    _check_key(request.headers.get("x-goog-api-key") or request.query.get("key") or _bearer(request))
    if len(request.body) > GOOGLE_LIMIT:
        raise Refused("413")
    calls = _json(request, "application/json").get("requests")
    if not isinstance(calls, list) or not calls or not all(isinstance(call, dict) for call in calls):
        raise Refused("json")
    if len(calls) > GOOGLE_BATCH:
        raise Refused("too-many")
    answers = [_google_photo(call, recorded) for call in calls]
    bodies = [one.body["responses"][0] for one in answers]
    notes = [one.headers for one in answers if one.headers]
    return Answer(200, {"responses": bodies}, notes[0] if notes else {}, max(one.delay for one in answers))


def _google_photo(call: dict[str, Any], recorded: Recorded) -> Answer:
    features = call.get("features")
    if not isinstance(features, list) or not features or not all(isinstance(feature, dict) for feature in features):
        raise Refused("features")
    wanted = {_feature_name(feature.get("type")): feature.get("maxResults") or 10 for feature in features}
    if not all(isinstance(most, int) and most > 0 for most in wanted.values()):
        raise Refused("features")
    image = call.get("image")
    if not isinstance(image, dict) or not (image.get("content") or image.get("source")):
        return recorded.error("google", "no-image")
    if not image.get("content"):
        return recorded.error("google", "not-fetched")
    photo = _base64(image["content"])
    if not is_image(photo) or marked(photo) == "image-error":
        return recorded.error("google", "image-error")
    found = _recorded("google", photo, recorded)
    whole = found.body["responses"][0]
    parts = {GOOGLE_PARTS[name]: most for name, most in wanted.items() if name in GOOGLE_PARTS}
    return replace(found, body={"responses": [{k: v[: parts[k]] for k, v in whole.items() if k in parts}]})


def _feature_name(given: object) -> str:
    for name, number in GOOGLE_FEATURES.items():
        if given == name or (given == number and not isinstance(given, bool)):
            return name
    raise Refused("features")


def azure(request: Request, recorded: Recorded) -> Answer:
    """Image Analysis 4.0 ``imageanalysis:analyze``."""
    return _azure("azure", request, recorded, "features", AZURE_PARTS, AZURE_OTHERS)


def azure32(request: Request, recorded: Recorded) -> Answer:
    """Computer Vision 3.2 ``analyze``."""
    return _azure("azure32", request, recorded, "visualFeatures", AZURE32_PARTS, AZURE32_OTHERS)


def _azure(
    service: str, request: Request, recorded: Recorded, name: str, parts: dict[str, str], others: set[str]
) -> Answer:
    _check_key(request.headers.get("ocp-apim-subscription-key") or _bearer(request), missing="401")
    if service == "azure" and request.query.get("api-version") not in AZURE_VERSIONS:
        raise Refused("version")
    wanted = {feature.strip().lower() for feature in request.query.get(name, "").split(",")}
    if not wanted <= parts.keys() | others:
        raise Refused("features")
    if request.kind == "application/json":
        raise Refused("not-fetched" if _json(request, "application/json").get("url") else "json")
    if request.kind != "application/octet-stream":
        raise Refused("415")
    if not request.body:
        raise Refused("empty")
    if len(request.body) > AZURE_LIMIT:
        raise Refused("413")
    if not is_image(request.body):
        raise Refused("400")
    found = _recorded(service, request.body, recorded)
    hidden = {parts[part] for part in parts if part not in wanted}
    return replace(found, body={key: value for key, value in found.body.items() if key not in hidden})


def amazon(request: Request, recorded: Recorded) -> Answer:
    """Rekognition ``DetectLabels``, JSON 1.1. The signature must be there, but its secret is not checked."""
    if request.headers.get("x-amz-target") != "RekognitionService.DetectLabels":
        raise Refused("operation")
    signed = request.headers.get("authorization", "")
    _check_key(signed.partition("Credential=")[2].partition("/")[0] if signed.startswith("AWS4-HMAC-SHA256 ") else "")
    wish = _json(request, "application/x-amz-json-1.1")
    image = wish.get("Image")
    if not isinstance(image, dict) or not (image.get("Bytes") or image.get("S3Object")):
        raise Refused("parameter")
    if not image.get("Bytes"):
        raise Refused("not-fetched")
    photo = _base64(image["Bytes"], wrong="json")
    if len(photo) > AMAZON_LIMIT:
        raise Refused("413")
    if not is_image(photo):
        raise Refused("400")
    most, least = wish.get("MaxLabels"), wish.get("MinConfidence", 55)
    if not isinstance(most, int | None) or (most or 0) < 0:
        raise Refused("parameter")
    if not isinstance(least, int | float) or not 0 <= least <= 100:
        raise Refused("parameter")
    found = _recorded("amazon", photo, recorded)
    labels = [label for label in found.body["Labels"] if label["Confidence"] >= least]
    return replace(found, body=found.body | {"Labels": labels[:most]})


def _check_key(key: str, missing: str = "no-key") -> None:
    """Any key will do, except for those whose names say what is wrong with them."""
    if not key:
        raise Refused(missing)
    if key in ("expired-key", "wrong-key"):
        raise Refused("401")
    if key == "no-rights-key":
        raise Refused("403")


def _bearer(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ").strip()


def _json(request: Request, kind: str) -> dict[str, Any]:
    try:
        value = json.loads(request.body) if request.kind == kind else None
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Refused("json")
    return value


def _base64(text: object, wrong: str = "400") -> bytes:
    try:
        return b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        raise Refused(wrong) from None


def _recorded(service: str, photo: bytes, recorded: Recorded) -> Answer:
    word = marked(photo).replace("image-error", "400")  # only Google has errors inside a 200
    if word in recorded.kinds(service):
        raise Refused(word)
    choice = recorded.choose(photo)
    headers = {"X-Replay-Photo": choice.photo} | ({"X-Replay-Note": choice.note} if choice.note else {})
    return Answer(200, recorded.body(service, choice.photo), headers, SLOW if word == "slow" else 0.0)


ANSWERS: dict[str, Callable[[Request, Recorded], Answer]] = {
    "google": google,
    "azure": azure,
    "azure32": azure32,
    "amazon": amazon,
}
