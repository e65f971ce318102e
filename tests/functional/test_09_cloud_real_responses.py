"""The reference answers of 09-cloud digest real responses of the three services.

The responses are not part of the project. NBSEAL_VISION_DATA names a folder that holds some of them:

    official/                        examples from the services' documentation
    same_photo_cloudy_vision_2017/   <photo>.google.json, <photo>.msft.json, <photo>.rekognition.json
    practicaldl_nov2019/             same_300_coco_images.json
"""

import csv
import json
import os
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from tests.samples import ROOT, base_notebook

FOLDER = os.environ.get("NBSEAL_VISION_DATA", "")
pytestmark = pytest.mark.skipif(
    not FOLDER or not Path(FOLDER).is_dir(), reason="NBSEAL_VISION_DATA names no folder of real responses"
)
SERVICES = {"google": "google", "msft": "azure", "rekognition": "amazon"}
SOURCE = ROOT / "source" / "09-cloud"
Parser = Callable[[dict[str, Any], str], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    """What the instructor's answers define, with the notebook's helpers at hand."""
    spec = spec_from_file_location("answers", SOURCE / "answers.py")
    assert spec
    assert spec.loader
    helpers = module_from_spec(spec)
    spec.loader.exec_module(helpers)
    names: dict[str, Any] = {"answers": helpers}
    for cell in json.loads(base_notebook("09-cloud", "solution"))["cells"]:
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        if cell["cell_type"] == "code" and grade_id.endswith("-answer"):
            exec(compile("".join(cell["source"]), grade_id, "exec"), names)
    return names


@pytest.fixture(scope="module")
def parsers(answers: dict[str, Any]) -> dict[str, Parser]:
    """The three parsers by service."""
    return {service: answers[f"parse_{service}"] for service in SERVICES.values()}


def folder(name: str) -> Path:
    path = Path(FOLDER) / name
    if not path.is_dir():
        pytest.skip(f"NBSEAL_VISION_DATA has no folder {name}")
    return path


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def element(body: dict[str, Any]) -> dict[str, Any]:
    """What a parser gets: of Google's body its only response."""
    return body["responses"][0] if "responses" in body else body


def check(rows: list[dict[str, Any]], photo: str, service: str) -> None:
    for row in rows:
        assert list(row) == ["photo", "service", "label", "confidence"]
        assert (row["photo"], row["service"]) == (photo, service)
        assert isinstance(row["label"], str)
        assert row["label"]
        assert 0 <= row["confidence"] <= 1


@pytest.mark.parametrize("name", SERVICES)
def test_the_answers_of_2017_become_rows(name: str, parsers: dict[str, Parser]) -> None:
    """All 43 answers of each service are read, and as many rows come out as labels went in."""
    keys = {"google": "labelAnnotations", "msft": "tags", "rekognition": "Labels"}
    paths = sorted(folder("same_photo_cloudy_vision_2017").glob(f"*.{name}.json"))
    assert len(paths) == 43
    for path in paths:
        answer = element(read(path))
        rows = parsers[SERVICES[name]](answer, path.name)
        check(rows, path.name, SERVICES[name])
        assert len(rows) == len(answer.get(keys[name], [])), path.name


def test_the_table_of_figures_is_what_was_answered(parsers: dict[str, Parser]) -> None:
    """figures.csv holds what the parsers make of the raw responses, rounded to four digits, and nothing else."""
    with (SOURCE / "figures.csv").open(encoding="utf-8", newline="") as lines:
        table = list(csv.DictReader(lines))
    raw = {
        path.name.split(".")[0].replace("_", " "): path for path in folder("same_photo_cloudy_vision_2017").iterdir()
    }
    photos = {row["photo"] for row in table}
    assert photos == set(read(SOURCE / "person.json")["subjects"])
    expected = []
    for photo in photos:
        stem = raw[photo].name.rsplit(".", 2)[0]
        for name, service in SERVICES.items():
            for row in parsers[service](element(read(raw[photo].with_name(f"{stem}.{name}.json"))), photo):
                expected.append((photo, service, row["label"], f"{row['confidence']:.4f}"))
    got = [(row["photo"], row["service"], row["label"], f"{float(row['confidence']):.4f}") for row in table]
    assert sorted(got) == sorted(expected)


def test_three_hundred_answers_of_microsoft_of_2019(parsers: dict[str, Parser]) -> None:
    """Bodies with categories, tags, metadata and a request id become rows, one per tag."""
    for entry in read(folder("practicaldl_nov2019") / "same_300_coco_images.json"):
        rows = parsers["azure"](entry["azure"], entry["coco_image"])
        check(rows, entry["coco_image"], "azure")
        assert [row["label"] for row in rows] == [tag["name"] for tag in entry["azure"]["tags"]]


@pytest.mark.parametrize(
    ("service", "name", "amount", "first"),
    [
        ("google", "google_label_detection_setagaya.json", 5, ("Street", 0.87294734)),
        ("google", "google_label_and_objects_bicycle_example_2024.json", 3, ("Bicycle", 0.9825226)),
        ("google", "google_object_localization_bicycle_example.json", 0, None),
        ("azure", "azure_v3.2_tags_house_yard.json", 23, ("grass", 0.9960499405860901)),
        ("azure", "azure_v4.0_tags_house_yard.json", 23, ("grass", 0.9960499405860901)),
        (
            "azure",
            "azure_v4.0_2023-10-01_spec_example_caption_tags_objects.json",
            14,
            ("furniture", 0.9874445199966431),
        ),
        (
            "amazon",
            "aws_detect_labels_street_skateboard_cli_example_model2.0.json",
            None,
            ("Automobile", 0.9915271759033203),
        ),
    ],
)
def test_the_documentation_s_examples_become_rows(
    service: str, name: str, amount: int | None, first: tuple[str, float] | None, parsers: dict[str, Parser]
) -> None:
    """The examples that the services print in their documentation are read."""
    rows = parsers[service](element(read(folder("official") / name)), "example")
    check(rows, "example", service)
    assert amount is None or len(rows) == amount
    if first:
        assert rows[0]["label"] == first[0]
        assert rows[0]["confidence"] == pytest.approx(first[1])


def test_both_versions_of_azure_agree_on_one_photo(parsers: dict[str, Parser]) -> None:
    """Versions 3.2 and 4.0 of the same photo give the same labels."""
    names = ("azure_v3.2_tags_house_yard.json", "azure_v4.0_tags_house_yard.json")
    old, new = (parsers["azure"](read(folder("official") / name), "yard") for name in names)
    assert [row["label"] for row in old] == [row["label"] for row in new]


@pytest.mark.parametrize(
    ("service", "name", "message"),
    [
        ("google", "google_error_400_api_key_invalid.json", "API key not valid"),
        ("google", "google_per_image_error_200.json", "not allowed to access the URL"),
        ("azure", "azure_v4.0_error_400.json", "Analyze query is invalid"),
        ("azure", "azure_v4.0_error_400_too_large.json", "larger than 20971520 bytes"),
        ("azure", "azure_401_error.json", "invalid subscription key"),
        ("amazon", "aws_error_example.http", "Unable to get object metadata from S3"),
    ],
)
def test_errors_raise_with_the_service_s_own_words(
    service: str, name: str, message: str, parsers: dict[str, Parser]
) -> None:
    """An error is a ValueError that says what the service said."""
    text = (folder("official") / name).read_text(encoding="utf-8")
    body = json.loads(text[text.index("{") :])  # one file has the HTTP headers before the body
    with pytest.raises(ValueError, match=message):
        parsers[service](element(body), "example")


def test_boxes_of_the_documentation_s_bicycle(answers: dict[str, Any]) -> None:
    """The four objects of Google's example get the edges that are printed there."""
    boxes = answers["google_boxes"](
        element(read(folder("official") / "google_object_localization_bicycle_example.json"))
    )
    assert [box["label"] for box in boxes] == ["Bicycle wheel", "Bicycle wheel", "Bicycle", "Picture frame"]
    assert boxes[0] == {
        "label": "Bicycle wheel", "left": 0.31524897, "top": 0.78658724, "right": 0.44186485, "bottom": 0.9692919,
    }  # fmt: skip
    assert all(box["left"] < box["right"] and box["top"] < box["bottom"] for box in boxes)
