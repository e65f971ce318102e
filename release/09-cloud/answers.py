"""Reads the recorded answers, what a person saw in the photos, and the measured table of 2017."""

import csv
import json
from pathlib import Path

HERE = Path(__file__).parent
RECORDED = HERE / "recorded"
PHOTOS = ("street", "kitchen", "garden", "desk", "empty")


def recorded(photo, service):
    """Return one recorded answer as a dict; ``service`` is google, azure, azure32 or amazon."""
    for entry in _index():
        if entry["photo"] == photo and service in entry:
            body = _json(RECORDED / entry[service])
            # Google answers several photos at once; here we always asked about one.
            return body["responses"][0] if "responses" in body else body
    raise ValueError(f"no answer of {service!r} for the photo {photo!r} was recorded; there are {', '.join(PHOTOS)}")


def about(photo):
    """Return a description of a recorded photo, for readers who cannot see it."""
    return next(entry["about"] for entry in _index() if entry["photo"] == photo)


def truth():
    """Return what a person saw in each recorded photo: photo -> list of words."""
    return {entry["photo"]: entry["shows"] for entry in _index()}


def subjects():
    """Return the main thing of each measured photo: photo -> list of one word."""
    return _json(HERE / "person.json")["subjects"]


def synonyms():
    """Return words to be replaced: word -> word to use instead."""
    return _json(HERE / "person.json")["synonyms"]


def measured():
    """Return the rows of figures.csv as dicts with the keys photo, service, label and confidence."""
    with (HERE / "figures.csv").open(encoding="utf-8", newline="") as lines:
        return [{**row, "confidence": float(row["confidence"])} for row in csv.DictReader(lines)]


def row(photo, service, label, confidence):
    """Return one row of the table that all services' answers are brought into."""
    return {"photo": photo, "service": service, "label": label, "confidence": confidence}


def box(label, xs, ys):
    """Return the edges of the box around four corners, whose x and y are in the lists ``xs`` and ``ys``."""
    return {"label": label, "left": min(xs), "top": min(ys), "right": max(xs), "bottom": max(ys)}


def must_have(answer, *keys):
    """Raise a ValueError unless an answer has one of these keys; for an error, with the service's own message."""
    if any(key in answer for key in keys):
        return
    if "error" in answer or "__type" in answer:
        raise ValueError(f"the service says: {_message(answer)}")
    raise ValueError(f"this answer has no {' and no '.join(keys)}, only {', '.join(sorted(answer)) or 'nothing'}")


def records(rows):
    """Return rows as a list of dicts, whether they are that already or a pandas DataFrame; None stays None."""
    if rows is None:
        return None
    return rows.to_dict("records") if hasattr(rows, "to_dict") else list(rows)


def told(parse, error):
    """Return whether the ValueError that a parser raises for a service's error holds the service's own message."""
    try:
        got = parse(error, "any photo")
    except ValueError as raised:
        return _message(error) in str(raised)
    raise AssertionError(f"no error was raised, the function returned {got!r}")


def of(table, service):
    """Return the rows of one service."""
    return [row for row in table if row["service"] == service]


def _message(error):
    return error["Message"] if "__type" in error else error["error"]["message"]


def _index():
    return _json(RECORDED / "index.json")["photos"]


def _json(path):
    return json.loads(path.read_text(encoding="utf-8"))
