"""The sentences, meanings and settings of 09-cloud's vision clients, without any vendor's package."""

import importlib
import json
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "source" / "09-cloud"
sys.path.insert(0, str(SOURCE))
clients = importlib.import_module("vision_clients")
errors = importlib.import_module("vision_errors")
recorded_answers = importlib.import_module("recorded_answers")
sys.path.remove(str(SOURCE))

ASK = {"google": clients.ask_google, "azure": clients.ask_azure, "amazon": clients.ask_amazon}
PHOTO = (SOURCE / "photos" / "street.png").read_bytes()


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    """None of the variables that the clients read."""
    names = [*errors.SECRETS, "GOOGLE_APPLICATION_CREDENTIALS", "VISION_ENDPOINT", "AWS_REGION", "AWS_DEFAULT_REGION"]
    names += ["VISION_REPLAY_URL", "VISION_REPLAY_ONLY", "VISION_TIMEOUT"]
    for name in names:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def installed(monkeypatch):
    """As if every package were there."""
    monkeypatch.setattr(clients, "_installed", lambda module: True)


@pytest.mark.parametrize("service", ASK)
def test_names_the_package_to_install(service, monkeypatch):
    """Without a service's package, both ``available`` and the error say what to install."""
    module, package = clients.PACKAGES[service]
    monkeypatch.setitem(sys.modules, module, None)
    assert clients.available()[service].startswith("SDK missing: pip install 'nbseal[cloud]'")
    with pytest.raises(clients.VisionError, match=f"pip install {package} tenacity") as caught:
        ASK[service](PHOTO)
    assert (caught.value.service, caught.value.status) == (service, None)


def test_one_missing_package_leaves_the_others(installed, monkeypatch):
    """Each service's package is looked for on its own."""
    monkeypatch.setattr(clients, "_installed", lambda module: module != "boto3")
    states = clients.available()
    assert states["amazon"].startswith("SDK missing")
    assert states["google"] == states["azure"] == "replay"


def test_keys_are_named_by_the_vendors_own_variables(installed, monkeypatch):
    """A service counts as having keys when all its variables are there."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "key.json")
    monkeypatch.setenv("VISION_KEY", "a-key-without-its-endpoint")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA0000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert clients.available() == {"google": "keys", "azure": "replay", "amazon": "keys"}


def test_replay_can_be_demanded(installed, monkeypatch):
    """VISION_REPLAY_ONLY leaves keys unused."""
    monkeypatch.setenv("GOOGLE_API_KEY", "a-key")
    monkeypatch.setenv("VISION_REPLAY_ONLY", "1")
    assert clients.available()["google"] == "replay"


@pytest.mark.parametrize("photo", ["street.png", None, 3])
def test_a_photo_is_bytes(photo):
    """A path or anything else that isn't bytes is refused with the way to read a file."""
    with pytest.raises(clients.VisionError, match="read_bytes"):
        clients.ask_google(photo)


def test_an_empty_photo_is_not_sent():
    """No bytes, no call."""
    with pytest.raises(clients.VisionError, match="is the file empty"):
        clients.ask_amazon(b"")


@pytest.mark.parametrize("url", ["https://example.org", "http://192.0.2.1:8909", "http://127.0.0.1.example.org", "x"])
def test_replay_stays_on_this_computer(installed, monkeypatch, url):
    """An address beyond loopback is refused before anything is sent."""
    monkeypatch.setenv("VISION_REPLAY_URL", url)
    with pytest.raises(clients.VisionError, match="on this computer only"):
        clients.ask_azure(PHOTO)


def test_azures_key_does_not_go_in_clear(installed, monkeypatch):
    """An endpoint without https is refused."""
    monkeypatch.setenv("VISION_ENDPOINT", "http://example.org")
    monkeypatch.setenv("VISION_KEY", "very-secret-key")
    with pytest.raises(clients.VisionError, match="https") as caught:
        clients.ask_azure(PHOTO)
    assert "very-secret-key" not in str(caught.value)


@pytest.mark.parametrize("value", ["soon", "0", "-1", "nan", "601"])
def test_the_timeout_is_a_number_of_seconds(installed, monkeypatch, value):
    """What is no sensible number of seconds is named as such."""
    monkeypatch.setenv("VISION_TIMEOUT", value)
    with pytest.raises(clients.VisionError, match="VISION_TIMEOUT"):
        clients.ask_google(PHOTO)


@pytest.mark.parametrize(
    ("header", "expected"), [(None, None), ("", None), ("3", 3.0), ("0.5", 0.5), ("-2", 0.0), ("soon", None)]
)
def test_retry_after_in_seconds(header, expected):
    """Retry-After as a number; nonsense counts as absent."""
    assert errors.seconds(header) == expected


def test_retry_after_as_a_date():
    """Retry-After may be a date."""
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    assert 1800 < errors.seconds(later) <= 3600


@pytest.mark.parametrize(
    ("http", "code", "text", "meaning"),
    [
        (400, "API_KEY_INVALID", "", 401),
        (400, "AccessDeniedException", "", 403),
        (400, "InvalidRequest", "is not allowed to be zero or larger than 20971520 bytes", 413),
        (400, "ThrottlingException", "", 429),
        (400, "InvalidArgument", "no such feature", 400),
        (503, "", "", 503),
    ],
)
def test_one_status_for_what_services_say_differently(http, code, text, meaning):
    """Services report a wrong key, a large photo or too many calls in their own ways; the status is the same."""
    assert errors.Refused(http, code, text).status == meaning


def test_keys_are_blotted_out(monkeypatch):
    """A service that repeats the key does not make the error repeat it."""
    monkeypatch.setenv("VISION_KEY", "very-secret-key\n")
    refused = errors.Refused(401, "401", "The key very-secret-key is not valid.")
    error = errors.explain("azure", refused, "https://example.org", 20, True)
    assert "very-secret-key" not in str(error) + repr(error)
    assert "VISION_KEY" in str(error)


def test_an_unknown_exception_is_named_without_its_words():
    """What a package raises unexpectedly may hold a key, so only its type is told."""
    error = errors.explain("google", ValueError("bad header very-secret-key"), "vision.googleapis.com", 20, True)
    assert "ValueError" in str(error)
    assert "very-secret-key" not in str(error)


@pytest.mark.parametrize("service", recorded_answers.SERVICES)
@pytest.mark.parametrize("photo", ["street", "kitchen", "garden", "desk"])
def test_recordings_have_the_services_form(service, photo):
    """Every recorded answer has labels with a name and a confidence on the service's own scale."""
    body = recorded_answers.Recorded().body(service, photo)
    if service == "google":
        found = [(label["description"], label["score"]) for label in body["responses"][0]["labelAnnotations"]]
    elif service == "amazon":
        found = [(label["Name"], label["Confidence"] / 100) for label in body["Labels"]]
        assert all(
            list(label) == ["Name", "Confidence", "Instances", "Parents", "Aliases", "Categories"]
            for label in body["Labels"]
        )
    else:
        tags = body["tagsResult"]["values"] if service == "azure" else body["tags"]
        found = [(tag["name"], tag["confidence"]) for tag in tags]
    confidences = [confidence for _, confidence in found]
    assert len(found) >= 8
    assert confidences == sorted(confidences, reverse=True)
    assert all(0 < confidence < 1 for confidence in confidences)


def test_google_leaves_out_zeros():
    """In the recordings a corner at an edge lacks the coordinate that is zero, and no zero is written."""
    recorded = recorded_answers.Recorded()
    corners = [
        corner
        for photo in ("street", "garden")
        for thing in recorded.body("google", photo)["responses"][0]["localizedObjectAnnotations"]
        for corner in thing["boundingPoly"]["normalizedVertices"]
    ]
    assert {} in corners
    assert {"y"} in [set(corner) for corner in corners]
    assert 0 not in [value for corner in corners for value in corner.values()]


def test_nothing_is_found_in_the_empty_photo():
    """For "empty", each service gives an answer without labels."""
    bodies = [recorded_answers.Recorded().body(service, "empty") for service in recorded_answers.SERVICES]
    google, azure, azure32, amazon = bodies
    assert google == {"responses": [{}]}
    assert azure["tagsResult"] == azure["objectsResult"] == {"values": []}
    assert azure32["tags"] == azure32["objects"] == amazon["Labels"] == []


def test_the_recordings_say_that_they_were_written():
    """README and index tell that no service was asked."""
    assert "written for this course" in (SOURCE / "recorded" / "README.md").read_text("utf-8")
    index = json.loads((SOURCE / "recorded" / "index.json").read_text("utf-8"))
    assert "Written for this course" in index["note"]
    assert [entry["photo"] for entry in index["photos"]] == ["street", "kitchen", "garden", "desk", "empty"]


def test_photos_are_small_and_drawn_by_the_script():
    """Each photo is below 10 kB and shows, pixel by pixel, what docs/draw_vision_photos.py draws."""
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    spec = importlib.util.spec_from_file_location("draw", SOURCE.parents[1] / "docs" / "draw_vision_photos.py")
    draw = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(draw)
    for name in recorded_answers.Recorded().photos:
        path = SOURCE / "photos" / f"{name}.png"
        assert path.stat().st_size < 10_000
        with image.open(path) as drawn:
            assert drawn.convert("RGB").tobytes() == draw.draw(getattr(draw, name)).convert("RGB").tobytes()


def test_an_unknown_photo_gets_always_the_same_recording():
    """For a photo that nobody recorded, one of the others is chosen by its bytes, and the choice says so."""
    recorded = recorded_answers.Recorded()
    choices = [recorded.choose(b"\xff\xd8\xff my own photo") for _ in range(3)]
    assert len(set(choices)) == 1
    assert "not an analysis of your photo" in choices[0].note
    assert recorded.choose(PHOTO) == recorded_answers.Choice("street")
    assert recorded.choose(b"replay: kitchen") == recorded_answers.Choice("kitchen")


@pytest.mark.parametrize("service", recorded_answers.SERVICES)
@pytest.mark.parametrize("kind", ["400", "401", "403", "413", "429", "500"])
def test_every_service_has_every_error(service, kind):
    """Each error exists in each service's form; too many calls come with Retry-After."""
    error = recorded_answers.Recorded().error(service, kind)
    assert error.status >= 400
    assert ("Retry-After" in error.headers) == (kind == "429")
    assert set(error.body) == ({"__type", "Code", "Logref", "Message"} if service == "amazon" else {"error"})
