"""The vendors' own packages against the replay server of 09-cloud, and its wire formats without them."""

import http.client
import importlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
import traceback
import urllib.error
import urllib.request
from base64 import b64encode
from pathlib import Path

import pytest

from tests.courses import wait_until

pytest.importorskip("starlette", reason="the cloud extra is not installed: pip install 'nbseal[cloud]'")
pytest.importorskip("uvicorn", reason="the cloud extra is not installed: pip install 'nbseal[cloud]'")

SOURCE = Path(__file__).parents[2] / "source" / "09-cloud"
sys.path.insert(0, str(SOURCE))
clients = importlib.import_module("vision_clients")
errors = importlib.import_module("vision_errors")
recorded_answers = importlib.import_module("recorded_answers")
replay = importlib.import_module("replay_server")
sys.path.remove(str(SOURCE))

ASK = {"google": clients.ask_google, "azure": clients.ask_azure, "amazon": clients.ask_amazon}
PHOTOS = ("street", "kitchen", "garden", "desk", "empty")
SECRET = "very-secret-key-0123456789"
GOOGLE, AZURE, AZURE32 = "/v1/images:annotate", "/computervision/imageanalysis:analyze", "/vision/v3.2/analyze"
BOTH = [{"type": "LABEL_DETECTION"}, {"type": "OBJECT_LOCALIZATION"}]


@pytest.fixture(scope="module")
def address():
    """A replay server on a free port."""
    with replay.running() as address:
        yield address


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch):
    """No name but this computer's is looked up, and nothing beyond it is connected; gives the names that were tried."""
    tried = []
    look_up, connect = socket.getaddrinfo, socket.socket.connect

    def guarded_look_up(host, *args, **kwargs):
        if host not in ("127.0.0.1", "localhost"):
            tried.append(host)
            raise socket.gaierror(socket.EAI_NONAME, "no network in this test")
        return look_up(host, *args, **kwargs)

    def guarded_connect(self, where):
        if self.family != socket.AF_UNIX and where[0] not in ("127.0.0.1", "::1"):
            tried.append(where[0])
            raise OSError("no network in this test")
        return connect(self, where)

    monkeypatch.setattr(socket, "getaddrinfo", guarded_look_up)
    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    return tried


@pytest.fixture(autouse=True)
def settings(monkeypatch, loopback_only, tmp_path):
    """No keys and no settings of this machine; after the test, nobody may have tried to leave it."""
    names = [*errors.SECRETS, "GOOGLE_APPLICATION_CREDENTIALS", "VISION_ENDPOINT", "AWS_REGION", "AWS_DEFAULT_REGION"]
    for name in [*names, "AWS_PROFILE", "VISION_REPLAY_ONLY", "VISION_TIMEOUT"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    yield
    assert loopback_only == []


@pytest.fixture
def server(address, monkeypatch):
    """The server with nothing planned and nothing seen."""
    monkeypatch.setenv("VISION_REPLAY_URL", address)
    replay.ask("_reset")
    return address


@pytest.fixture(params=ASK)
def service(request):
    """Each service whose package is installed."""
    module, package = clients.PACKAGES[request.param]
    pytest.importorskip("tenacity", reason="the cloud extra is not installed: pip install tenacity")
    pytest.importorskip(module, reason=f"the service's package is not installed: pip install {package}")
    return request.param


@pytest.fixture
def failed(service):
    """Asks the service in vain, checks that no key is shown anywhere, and gives the error."""

    def ask(photo=b"replay: street"):
        with pytest.raises(clients.VisionError) as caught:
            ASK[service](photo)
        error = caught.value
        shown = [str(error), repr(error), repr(error.args), str(vars(error))]
        # the frames' variables include the photo, which may be long
        frames = (error, error.__cause__, error.__context__) if len(photo) < 100 else ()
        for chained in frames:
            shown += (
                traceback.TracebackException.from_exception(chained, capture_locals=True).format() if chained else []
            )
        assert SECRET not in "".join(shown)
        assert error.service == service
        assert errors.NAMES[service] in str(error)
        return error

    return ask


def photo(name: str) -> bytes:
    """One of the drawn photos."""
    return (SOURCE / "photos" / f"{name}.png").read_bytes()


def calls() -> list[dict]:
    """What the server was asked."""
    return json.loads(replay.ask("_calls"))["calls"]


def post(address: str, path: str, body: object, **headers: str) -> tuple[int, dict, dict]:
    """Send one request without any vendor's package: status, body and headers of the answer."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(address + path, data, names, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:
            return reply.status, json.loads(reply.read()), dict(reply.headers)
    except urllib.error.HTTPError as error:
        with error:
            text = error.read()
            return error.code, json.loads(text) if text.startswith(b"{") else {}, dict(error.headers)


def answers(address: str) -> bool:
    """Whether the server still answers: not if it is gone, nor if it goes in the middle of its reply."""
    try:
        google(address, photo("street"))
    except (OSError, http.client.HTTPException):
        return False
    return True


def google(address, *images, features=BOTH, key="k", kind="application/json"):
    """One call of Google's with several images, each bytes or an image element."""
    elements = [image if isinstance(image, dict) else {"content": b64encode(image).decode()} for image in images]
    body = {"requests": [{"image": element, "features": features} for element in elements]}
    return post(address, GOOGLE, body, Content_Type=kind, **({"X_Goog_Api_Key": key} if key else {}))


def amazon(address, body, target="RekognitionService.DetectLabels", key="AKIA", kind="application/x-amz-json-1.1"):
    """One call of Amazon's."""
    signed = f"AWS4-HMAC-SHA256 Credential={key}/20260101/eu-central-1/rekognition/aws4_request, Signature=0"
    return post(
        address, "/", body, Content_Type=kind, X_Amz_Target=target, **({"Authorization": signed} if key else {})
    )


# through the vendors' packages


@pytest.mark.parametrize("name", PHOTOS)
def test_answers_are_the_recorded_ones(server, service, name):
    """A photo that was recorded gives what its file holds, as a plain dict, without a caption that wasn't asked for."""
    body = recorded_answers.Recorded().body(service, name)
    expected = body["responses"][0] if service == "google" else body
    expected.pop("captionResult", None)
    answer = ASK[service](photo(name))
    assert type(answer) is dict
    assert json.loads(json.dumps(answer)) == expected


def test_an_unknown_photo_is_answered_with_a_warning(server, service):
    """The student's own photo gets a recorded answer, and is told so."""
    with pytest.warns(clients.RecordedAnswerWarning, match="not an analysis of your photo"):
        answer = ASK[service](b"\xff\xd8\xff\xe0 a photo of mine")
    assert answer
    assert "not an analysis" in clients.replay_note(b"\xff\xd8\xff\xe0 a photo of mine")
    assert clients.replay_note(photo("street")) == ""


@pytest.mark.parametrize(
    ("kind", "word"),
    [("400", "PNG or JPEG"), ("403", "enable the service"), ("413", "smaller copy"), ("500", "fault is the service's")],
)
def test_errors_name_cause_and_mend(server, failed, kind, word):
    """Each error on demand has the status that it means, and says what helps; it is not asked again."""
    error = failed(b"replay: " + kind.encode())
    assert error.status == int(kind)
    assert word in str(error)
    assert len(calls()) == 1


@pytest.mark.parametrize(("key", "status"), [("expired-key", 401), ("no-rights-key", 403)])
def test_a_bad_key_is_told_from_a_powerless_one(server, failed, monkeypatch, key, status):
    """A wrong key and a key without rights are two errors."""
    monkeypatch.setenv("VISION_REPLAY_KEY", key)
    error = failed()
    assert error.status == status
    assert key not in str(error)


def test_a_secret_key_is_shown_nowhere(server, failed, monkeypatch):
    """Neither the error nor its chain of tracebacks with their variables hold the key."""
    monkeypatch.setenv("VISION_REPLAY_KEY", SECRET)
    for kind in ("401", "500"):
        failed(f"replay: {kind}".encode())
    monkeypatch.setenv("VISION_REPLAY_KEY", f"{SECRET}\nsecond line")
    assert failed().status is None


def test_too_many_calls_are_repeated_after_the_pause(server, service):
    """A service that is too busy once is asked again after Retry-After, and then answers."""
    replay.next_answer(429, service=service, times=1, retry_after=0.3)
    begun = time.monotonic()
    assert ASK[service](photo("desk"))
    assert time.monotonic() - begun >= 0.3
    assert len(calls()) == 2


def test_repeating_has_an_end(server, failed):
    """A service that stays too busy is asked three times."""
    replay.next_answer(429, times=5, retry_after=0)
    error = failed()
    assert (error.status, error.retry_after) == (429, 0.0)
    assert "Too many calls" in str(error)
    assert len(calls()) == clients.ATTEMPTS == 3


def test_a_long_pause_is_left_to_the_asker(server, failed):
    """Who is told to wait for an hour learns it at once."""
    replay.next_answer(429, times=5, retry_after=3600)
    error = failed()
    assert error.retry_after == 3600
    assert "wait 3600 s" in str(error)
    assert len(calls()) == 1


def test_a_slow_answer_is_given_up(server, failed, monkeypatch):
    """No answer within VISION_TIMEOUT is an error that names the setting."""
    monkeypatch.setenv("VISION_TIMEOUT", "0.3")
    error = failed(b"replay: slow")
    assert error.status is None
    assert "VISION_TIMEOUT" in str(error)
    assert len(calls()) == 1


def test_a_server_that_is_not_started(failed, monkeypatch):
    """A refused connection says how to start the server."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("VISION_REPLAY_URL", f"http://127.0.0.1:{port}")
    error = failed()
    assert error.status is None
    assert "python replay_server.py" in str(error)
    assert str(port) in str(error)


def test_a_photo_over_the_limit(server, failed, service):
    """A photo that is too large for the service is told so, whatever status the service uses."""
    size = {"google": 8_000_000, "azure": 20_971_521, "amazon": 5_242_881}[service]
    error = failed(photo("street").ljust(size, b"\0"))
    assert error.status == 413
    assert errors.LIMITS[service] in str(error)


def test_bytes_that_are_no_image(server, failed, service):
    """A text file is refused; Google says so inside a 200."""
    error = failed(b"this is a text")
    assert error.status == (200 if service == "google" else 400)
    assert "PNG or JPEG" in str(error)


def test_a_proxy_is_not_asked_for_this_computer(server, service, monkeypatch):
    """A proxy in the environment doesn't get the calls to the replay server."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://192.0.2.1:3128")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "example.org")
    assert ASK[service](photo("garden"))
    assert os.environ["no_proxy"].split(",") == ["example.org", "127.0.0.1"]


def test_with_keys_the_same_call_goes_to_the_real_service(failed, service, monkeypatch, loopback_only):
    """Given keys, the vendor's own address is called, here in vain; the error doesn't tell the key."""
    monkeypatch.setenv("GOOGLE_API_KEY", SECRET)
    monkeypatch.setenv("VISION_ENDPOINT", "https://a-resource.cognitiveservices.azure.com")
    monkeypatch.setenv("VISION_KEY", SECRET)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", SECRET)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert clients.available()[service] == "keys"
    error = failed()
    hosts = {
        "google": "vision.googleapis.com",
        "azure": "a-resource.cognitiveservices.azure.com",
        "amazon": "rekognition.eu-west-1.amazonaws.com",
    }
    assert set(loopback_only) == {hosts[service]}
    assert error.status is None
    assert "on line" in str(error)
    loopback_only.clear()


@pytest.mark.parametrize("service", ["google", "azure"], indirect=True)
def test_keys_are_not_logged(server, service, monkeypatch, caplog):
    """Even a log of everything holds no key; Amazon's is no such key, its access key's id may be told."""
    monkeypatch.setenv("VISION_REPLAY_KEY", SECRET)
    with caplog.at_level(logging.DEBUG):
        ASK[service](photo("street"))
    assert SECRET not in caplog.text


# on the wire


def test_google_answers_several_photos_in_one_call(address):
    """One call may hold several photos; one that can't be used is an error inside the 200, and spoils no other."""
    status, body, _ = google(address, photo("street"), b"no image", photo("empty"), {"source": {"imageUri": "gs://x"}})
    street, bad, empty, remote = body["responses"]
    assert status == 200
    assert street["labelAnnotations"][0]["description"] == "Bicycle"
    assert bad == {"error": {"code": 3, "message": "Bad image data."}}
    assert empty == {}
    assert remote["error"]["code"] == 7


def test_google_gives_what_is_asked_for(address):
    """Features choose the parts of the answer, maxResults their length, by name or by number."""
    _, body, headers = google(address, photo("street"), features=[{"type": 4, "maxResults": 2}])
    assert {name: len(values) for name, values in body["responses"][0].items()} == {"labelAnnotations": 2}
    assert headers["x-replay-photo"] == "street"
    _, body, _ = google(address, photo("street"), features=[{"type": "OBJECT_LOCALIZATION"}])
    assert list(body["responses"][0]) == ["localizedObjectAnnotations"]


@pytest.mark.parametrize(
    ("images", "wishes", "expected"),
    [
        ([b"replay: street"], {"key": ""}, (403, "PERMISSION_DENIED")),
        ([b"replay: street"], {"key": "expired-key"}, (400, "INVALID_ARGUMENT")),
        ([b"replay: street"], {"kind": "text/plain"}, (400, "INVALID_ARGUMENT")),
        ([b"replay: street"], {"features": []}, (400, "INVALID_ARGUMENT")),
        ([b"replay: street"], {"features": [{"type": "DREAMS"}]}, (400, "INVALID_ARGUMENT")),
        ([{"content": "no base64!"}], {}, (400, "INVALID_ARGUMENT")),
        ([b"replay: street"] * 17, {}, (400, "INVALID_ARGUMENT")),
        ([], {}, (400, "INVALID_ARGUMENT")),
        ([b"replay: 429"], {}, (429, "RESOURCE_EXHAUSTED")),
        ([b"replay: 500"], {}, (500, "INTERNAL")),
    ],
)
def test_google_checks_requests(address, images, wishes, expected):
    """What is wrong with the whole call has an HTTP status and a code of Google's."""
    status, body, headers = google(address, *images, **wishes)
    assert (status, body["error"]["status"]) == expected
    assert body["error"]["code"] == status
    assert ("retry-after" in headers) == (status == 429)


def test_google_takes_the_key_from_the_address_too(address):
    """``?key=`` does as well as the header."""
    body = {"requests": [{"image": {"content": b64encode(photo("desk")).decode()}, "features": BOTH}]}
    status, answer, _ = post(address, f"{GOOGLE}?key=k", body, Content_Type="application/json; charset=utf-8")
    assert (status, len(answer["responses"])) == (200, 1)


@pytest.mark.parametrize(
    ("path", "part"),
    [
        (f"{AZURE}?api-version=2023-10-01&features=", {"tags": "tagsResult", "caption": "captionResult"}),
        (f"{AZURE32}?visualFeatures=", {"Tags": "tags", "Objects": "objects"}),
    ],
)
def test_azure_gives_what_is_asked_for(address, path, part):
    """Both versions answer in their own form with the features asked for."""
    wish = {"Content_Type": "application/octet-stream", "Ocp_Apim_Subscription_Key": "k"}
    for name, key in part.items():
        status, body, _ = post(address, path + name, photo("kitchen"), **wish)
        assert status == 200
        assert [found for found in part.values() if found in body] == [key]
        assert body["metadata"]["width"] == 320


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        (f"{AZURE}?features=tags", b"replay: desk", {}, 400),
        (f"{AZURE}?api-version=1999-01-01&features=tags", b"replay: desk", {}, 400),
        (f"{AZURE}?api-version=2023-10-01&features=dreams", b"replay: desk", {}, 400),
        (f"{AZURE}?api-version=2023-10-01", b"replay: desk", {}, 400),
        (f"{AZURE}?api-version=2023-10-01&features=tags", b"", {}, 400),
        (f"{AZURE}?api-version=2023-10-01&features=tags", b"no image", {}, 400),
        (f"{AZURE}?api-version=2023-10-01&features=tags", b"replay: desk", {"Content_Type": "image/png"}, 415),
        (f"{AZURE}?api-version=2023-10-01&features=tags", b"replay: desk", {"Ocp_Apim_Subscription_Key": ""}, 401),
        (f"{AZURE32}?visualFeatures=Tags", b"replay: desk", {"Ocp_Apim_Subscription_Key": "expired-key"}, 401),
        (f"{AZURE32}?visualFeatures=Tags", b"replay: 429", {}, 429),
        (f"{AZURE32}?visualFeatures=Dreams", b"replay: desk", {}, 400),
        (f"{AZURE32}?visualFeatures=Tags", b'{"url": "x"}', {"Content_Type": "application/json"}, 400),
    ],
)
def test_azure_checks_requests(address, path, body, headers, status):
    """Version, features, content type, key and photo are checked, and errors have a code and a message."""
    given = {"Content_Type": "application/octet-stream", "Ocp_Apim_Subscription_Key": "k"} | headers
    answered, said, sent = post(address, path, body, **given)
    assert answered == status
    assert {"code", "message"} <= said["error"].keys()
    assert ("retry-after" in sent) == (status == 429)


def test_amazon_gives_what_is_asked_for(address):
    """MinConfidence and MaxLabels choose the labels, 55 being the least unless told."""
    image = {"Image": {"Bytes": b64encode(photo("desk")).decode()}}
    status, usual, headers = amazon(address, image)
    _, all_labels, _ = amazon(address, image | {"MinConfidence": 0})
    _, three, _ = amazon(address, image | {"MaxLabels": 3})
    assert status == 200
    assert headers["content-type"] == "application/x-amz-json-1.1"
    assert min(label["Confidence"] for label in usual["Labels"]) >= 55
    assert all_labels["Labels"][-1]["Confidence"] < 1
    assert three["Labels"] == usual["Labels"][:3]


@pytest.mark.parametrize(
    ("body", "wishes", "code"),
    [
        ({}, {}, "InvalidParameterException"),
        ({"Image": {"Bytes": ""}}, {}, "InvalidParameterException"),
        ({"Image": {"Bytes": "bm8gaW1hZ2U="}}, {}, "InvalidImageFormatException"),
        ({"Image": {"Bytes": "no base64!"}}, {}, "SerializationException"),
        ({"Image": {"S3Object": {"Bucket": "b", "Name": "n"}}}, {}, "InvalidS3ObjectException"),
        ({"Image": {"Bytes": "cmVwbGF5OmRlc2s="}, "MinConfidence": 101}, {}, "InvalidParameterException"),
        ({"Image": {"Bytes": "cmVwbGF5OmRlc2s="}}, {"key": ""}, "MissingAuthenticationTokenException"),
        ({"Image": {"Bytes": "cmVwbGF5OmRlc2s="}}, {"key": "expired-key"}, "UnrecognizedClientException"),
        ({"Image": {"Bytes": "cmVwbGF5OmRlc2s="}}, {"target": "RekognitionService.Dream"}, "UnknownOperationException"),
        ({"Image": {"Bytes": "cmVwbGF5OmRlc2s="}}, {"kind": "application/json"}, "SerializationException"),
    ],
)
def test_amazon_checks_requests(address, body, wishes, code):
    """Most of Amazon's errors are a 400 whose body names the exception."""
    status, said, _ = amazon(address, body, **wishes)
    assert (status, said["__type"]) == (400, code)


# the server itself


@pytest.mark.parametrize(
    "query", ["", "status=teapot", "status=429&times=0", "status=429&service=x", "status=slow&seconds=x"]
)
def test_a_plan_that_makes_no_sense_is_refused(address, query):
    """An unknown kind, service or number is a 400, and plans nothing."""
    assert post(address, f"/_next?{query}", b"")[0] == 400
    assert json.loads(replay.ask("_calls"))["next"] == 0


def test_only_this_computers_names_are_served(address):
    """A page that reaches the server under another name, as a rebound one would, gets nothing."""
    assert google(address, b"replay: desk")[0] == 200
    assert post(address, "/_reset", b"", Host="example.org")[0] == 400


def test_the_first_page_explains_the_server(address):
    """A browser sees what the server is, and which photos it knows."""
    page = replay.ask("")
    assert "It cannot see" in page
    assert all(name in page for name in PHOTOS)


def test_starting_twice_gives_the_same_server(address):
    """``start`` while a server runs gives its address."""
    assert replay.start() == address


def command(*options):
    """The server as a student starts it."""
    line = [sys.executable, str(SOURCE / "replay_server.py"), *options]
    return subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_port_in_use_is_named(address):
    """A second server on the same port says so in one line."""
    port = address.rpartition(":")[2]
    with command("--port", port) as second:
        output, complaint = second.communicate(timeout=10)
    assert (second.returncode, output) == (1, "")
    assert f"port {port}" in complaint
    assert "Traceback" not in complaint


def test_the_command_serves_slowly_and_stops_at_ctrl_c():
    """``--slow`` delays every answer; Ctrl+C ends the server without a traceback."""
    with command("--port", "0", "--slow", "0.2") as server:
        where = server.stdout.readline().split()[0]
        begun = time.monotonic()
        assert google(where, photo("street"))[0] == 200
        assert time.monotonic() - begun >= 0.2
        server.send_signal(signal.SIGINT)
        _, complaint = server.communicate(timeout=10)
    assert "Traceback" not in complaint


def test_the_server_ends_with_the_process_that_started_it():
    """A kernel that is killed leaves no server behind."""
    script = "import replay_server, sys, time; print(replay_server.start(), flush=True); time.sleep(60)"
    environment = os.environ | {"PYTHONPATH": str(SOURCE)}
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment) as kernel:
        where = kernel.stdout.readline().strip()
        assert google(where, photo("street"))[0] == 200
        kernel.kill()
    assert wait_until(lambda: not answers(where), seconds=10)
