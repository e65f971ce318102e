"""Hidden tests of 09-cloud: three services' answers in one table, and how well they agree with a person.

All answers are made here (cloud_answers.py) in the services' documented forms, with words and numbers drawn from
``student.rng``: what the student tried on the recorded answers is no help. Nothing here calls a service.
"""

import importlib.util
from pathlib import Path

import pytest

from nbseal.checks import as_number as any_number
from nbseal.checks import describe
from nbseal.errors import StudentError, StudentFunctionError


def _beside(name):
    """Import a module that lies beside this one: hidden tests are not on the import path."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


cloud = _beside("cloud_answers")
ROW = ("photo", "service", "label", "confidence")
BOX = ("label", "left", "top", "right", "bottom")
CLOSE, ROUNDED = 1e-6, 0.006
WHERE = "The table in question 3 says where each version keeps its tags."


def as_number(value, what):
    """Return one finite number of moderate size as a float."""
    number = any_number(value, what)
    if abs(number) > 1e12:
        raise StudentError(f"{what} is far too large.")
    return float(number)


def table_of(value, what, keys):
    """Return rows (a list of dicts or a DataFrame) as dicts with these keys; StudentError otherwise."""
    if value is None:
        raise StudentError(f"{what} gave None: does every path through your function end with a return?")
    if type(value).__name__ == "DataFrame":
        columns = list(value.columns)
        if len(value) and (missing := [key for key in keys if columns.count(key) != 1]):
            raise StudentError(f"The table that {what} returns should have one column {missing[0]!r}.")
        values = zip(*(value[key].tolist() for key in keys), strict=True) if len(value) else []
        value = [dict(zip(keys, row, strict=True)) for row in values]
    if not isinstance(value, (list, tuple)):
        raise StudentError(f"{what} should return a list of rows, but it gave {describe(value)}.")
    for row in value:
        if not isinstance(row, dict):
            raise StudentError(f"Each row of {what} should be a dictionary, but one is {describe(row)}.")
        if missing := [key for key in keys if key not in row]:
            raise StudentError(f"A row of {what} has no key {missing[0]!r}: all of {', '.join(keys)} are needed.")
    return list(value)


def check_count(got, expected, what, hint):
    if len(got) == 1 and len(expected) > 1:
        hint = f"{hint} Does your function return, or start a new list, inside the loop?"
    rows = "1 row" if len(got) == 1 else f"{len(got)} rows"
    assert len(got) == len(expected), f"{what} gave {rows}, expected {len(expected)}. {hint}"


def check_texts(rows, key, expected, what, hint):
    """Compare the texts of one column, in any order; the message never shows what was expected."""
    for row in rows:
        if not isinstance(row[key], str):
            raise StudentError(f"The {key} in a row of {what} should be a text, but it is {describe(row[key])}.")
    assert sorted(row[key] for row in rows) == sorted(expected), hint


def parsed(student, function, answer, photo, case="", hint="", keep=False):
    """Return the rows of an answer; ``case`` says in the student's words what is special about it.

    With ``keep``, the answer must stay as it was.
    """
    try:
        value = (student.leaves_alone if keep else student.call)(function, answer, photo)
    except StudentFunctionError as raised:
        if not case or raised.error_type == "NotImplementedError":
            raise
        raise StudentError(f"For {case}, {raised} {hint}".strip()) from None
    return table_of(value, f"{function}(...)", ROW)


def check_rows(rows, expected, photo, service, function, others=(), strict=False):
    """Compare rows with the expected label -> confidence, in any order.

    ``others`` are texts of the answer that are no labels. Only ``strict`` minds capitals and rounding: they are worth
    one test of the question, not all of them.
    """
    what = f"{function}(...)"
    for row in rows:
        if not isinstance(row["label"], str):
            raise StudentError(f"The label in a row of {what} should be a text, but it is {describe(row['label'])}.")
    labels = [row["label"] for row in rows]
    stray = [label for label in labels if label in others]
    assert not stray, (
        f"{len(stray)} of your rows hold a text that is not a label but belongs to something else in the answer "
        "(an id, an object, a caption or a wider term). Look once more at which list and which key hold the labels."
    )
    check_count(rows, expected, what, "One row per label, no more and no fewer.")
    folded = {label.lower(): confidence for label, confidence in expected.items()}
    assert sorted(label.strip().lower() for label in labels) == sorted(folded), (
        f"The labels in your rows aren't those of the answer. Which key of an entry holds what {service} saw?"
    )
    assert not strict or sorted(labels) == sorted(expected), (
        "The labels should stay as the service wrote them, capitals and all: `clean` of question 5 deals with that."
    )
    check_texts(rows, "photo", [photo] * len(expected), what, "The `photo` of each row should be the name given.")
    check_texts(rows, "service", [service] * len(expected), what, f"The `service` of each row should be {service!r}.")
    pairs = [
        (as_number(row["confidence"], f"A confidence of {what}"), folded[row["label"].strip().lower()]) for row in rows
    ]
    check_confidences(pairs, CLOSE if strict else ROUNDED)


def check_confidences(pairs, close):
    """Compare (got, expected) confidences and name the scale that was used instead."""
    wrong = [(got, right) for got, right in pairs if abs(got - right) > close]
    if not wrong:
        return
    scales = {
        100: "They are 100 times too large: your rows should go from 0 to 1, so what goes to 100 is divided by 100.",
        0.01: "They are 100 times too small: divide by 100 where the service counts to 100, once, and nowhere else.",
    }
    for factor, sentence in scales.items():
        if all(abs(got - factor * right) < factor * CLOSE for got, right in wrong):
            raise StudentError(f"{len(wrong)} of {len(pairs)} confidences are wrong. {sentence}")
    if all(abs(got - right) < ROUNDED for got, right in wrong):
        raise StudentError(f"{len(wrong)} of {len(pairs)} confidences are only nearly right: don't round them.")
    raise StudentError(
        f"{len(wrong)} of {len(pairs)} confidences aren't those of the answer. Does each label keep its own, "
        "and is it taken from the right key?"
    )


def check_empty(student, function, answers):
    """An answer without labels gives no rows."""
    for answer in answers:
        rows = parsed(student, function, answer, "dark", "a photo in which nothing was found")
        assert not rows, (
            f"For a photo in which nothing was found, {function}(...) gave {len(rows)} row(s), expected an empty list: "
            "nothing found is a result, too."
        )


def check_refusal(student, function, answer, message=None):
    """The function must raise a ValueError that passes the service's own message on."""
    try:
        value = student.call(function, answer, "street")
    except StudentFunctionError as raised:
        if "ValueError" not in raised.error_bases:
            kind = "an error of the service" if message else "an answer that isn't about labels"
            raise StudentError(
                f"For {kind}, `{function}` raised {raised.error_type}, expected ValueError: "
                "find out what kind of answer it is before you look for labels."
            ) from None
        if message and message not in raised.said:
            raise StudentError(
                "The ValueError is right, but it doesn't hold the service's own message, "
                "which alone tells the reader what went wrong: put it into the text of your ValueError."
            ) from None
        return
    kind = "an error of the service" if message else "an answer that isn't about labels"
    raise StudentError(
        f"For {kind}, `{function}` returned {describe(value)}, expected a ValueError: "
        "it must not look like a photo without labels."
    )


@pytest.mark.question("google", promise="One row per label")
def test_google_labels(student):
    """parse_google makes one row per label."""
    for amount in (4, 1):
        answer, expected, others = cloud.google(student.rng, amount)
        rows = parsed(student, "parse_google", answer, "p1")
        check_rows(rows, expected, "p1", "google", "parse_google", others)


@pytest.mark.question("google", requires="test_google_labels", promise="A score of 0: there is no `score`")
def test_google_score_left_out(student):
    """A label whose score was left out is kept, with a confidence of 0."""
    answer, expected, others = cloud.google(student.rng, 4)
    silent = answer["labelAnnotations"][-1]
    del silent["score"], silent["topicality"]
    expected[silent["description"]] = 0.0
    try:
        rows = parsed(student, "parse_google", answer, "p2", keep=True)
    except StudentFunctionError as raised:
        if raised.error_type != "KeyError" or "score" not in raised.said:
            raise
        raise StudentError(
            "With a label that has no score, `parse_google` raised KeyError. Google leaves out numbers that are 0: "
            "`d.get(key, other)` has an answer for that."
        ) from None
    assert len(rows) != len(expected) - 1, (
        f"Of {len(expected)} labels, one without a score, {len(rows)} are in your rows: "
        "a label whose score was left out is still a label. Its score is 0."
    )
    check_rows(rows, expected, "p2", "google", "parse_google", others, strict=True)


@pytest.mark.question("google", requires="test_google_labels", promise="an empty list if there are no labels")
def test_google_empty(student):
    """A photo without labels gives an empty list."""
    objects_only, _, _ = cloud.google(student.rng, 2)
    del objects_only["labelAnnotations"]
    check_empty(student, "parse_google", [{}, objects_only])


@pytest.mark.question(
    "google", requires="test_google_labels", promise="`raise ValueError(...)` with Google's own message in it"
)
def test_google_error(student):
    """An error inside a successful call raises a ValueError with Google's message."""
    message = cloud.message(student.rng)
    check_refusal(student, "parse_google", {"error": {"code": 7, "message": message}}, message)
    body = {"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT", "details": []}}
    check_refusal(student, "parse_google", body, message)


def check_boxes(student, answer, expected, keep=False):
    """Compare boxes, in any order, and name the edges that differ; with ``keep``, the answer must stay as it was."""
    what = "google_boxes(...)"
    rows = table_of((student.leaves_alone if keep else student.call)("google_boxes", answer), what, BOX)
    check_count(rows, expected, what, "One dictionary per object.")
    hint = "The label of a box should be the `name` of its object."
    check_texts(rows, "label", [box["label"] for box in expected], what, hint)
    got = [
        {"label": row["label"], **{edge: as_number(row[edge], f"`{edge}` of a box") for edge in BOX[1:]}}
        for row in rows
    ]
    if [row["label"] for row in got] != [box["label"] for box in expected]:
        got, expected = (sorted(some, key=lambda box: [box[key] for key in BOX]) for some in (got, expected))
    pairs = list(zip(got, expected, strict=True))
    wrong = sorted({edge for edge in BOX[1:] if any(abs(one[edge] - right[edge]) > CLOSE for one, right in pairs)})
    if not wrong:
        return
    turned = {"left": "top", "top": "left", "right": "bottom", "bottom": "right"}
    if all(abs(one[edge] - right[turned[edge]]) < CLOSE for one, right in pairs for edge in turned):
        raise StudentError("x and y are swapped: left and right are x, top and bottom are y.")
    if all(abs(one["bottom"] - right["top"]) < CLOSE for one, right in pairs):
        raise StudentError("top and bottom are swapped: y grows downwards, so top is the smallest y.")
    sizes = [(one, right["right"] - right["left"], right["bottom"] - right["top"]) for one, right in pairs]
    if all(abs(one["right"] - w) < CLOSE and abs(one["bottom"] - h) < CLOSE for one, w, h in sizes):
        raise StudentError("right and bottom hold the width and the height: they should be the largest x and y.")
    raise StudentError(
        f"Got another {' and '.join(wrong)} than expected, for at least one box. "
        "Left and top are the smallest x and y of all four corners, right and bottom the largest; "
        "a coordinate that isn't there is 0."
    )


@pytest.mark.question("boxes", promise="`left` is the smallest x of the four corners, `bottom` the largest y")
def test_boxes_edges(student):
    """google_boxes finds the edges of each object."""
    answer, expected = cloud.boxes(student.rng, 3)
    check_boxes(student, answer, expected)


@pytest.mark.question(
    "boxes", requires="test_boxes_edges", promise="a coordinate that is exactly 0, at the photo's edge, is left out"
)
def test_boxes_zero_coordinates(student):
    """A coordinate that was left out is 0, and stays left out in the answer."""
    answer, expected = cloud.boxes(student.rng, 3, at_edge=True)
    try:
        check_boxes(student, answer, expected, keep=True)
    except StudentFunctionError as raised:
        if raised.error_type != "KeyError" or raised.said.strip("'\"") not in ("x", "y"):
            raise
        raise StudentError(
            "With a box at the edge of the photo, `google_boxes` raised KeyError: Google leaves out coordinates "
            "that are 0. What is the x of a corner that has none?"
        ) from None


@pytest.mark.question("boxes", requires="test_boxes_edges", promise="the list may begin at any corner")
def test_boxes_any_corner_first(student):
    """The corners of a turned photo begin anywhere, and two objects may have the same name."""
    answer, expected = cloud.boxes(student.rng, 4, turned=True)
    check_boxes(student, answer, expected)


@pytest.mark.question("boxes", requires="test_boxes_edges", promise="if there are none, the key is missing")
def test_boxes_nothing_found(student):
    """No objects: an empty list."""
    answer, _, _ = cloud.google(student.rng, 2)
    del answer["localizedObjectAnnotations"]
    for nothing in ({}, answer):
        rows = table_of(student.call("google_boxes", nothing), "google_boxes(...)", BOX)
        assert not rows, f"Without objects, google_boxes(...) gave {len(rows)} boxes, expected an empty list."


@pytest.mark.question("azure", promise="The same rows, from either version")
def test_azure_new_version(student):
    """parse_azure reads version 4.0."""
    for amount in (5, 1):
        answer, expected, others = cloud.azure(student.rng, amount)
        rows = parsed(student, "parse_azure", answer, "p1", "an answer of version 4.0", WHERE)
        check_rows(rows, expected, "p1", "azure", "parse_azure", others)


@pytest.mark.question("azure", promise="for both versions, and leaves `answer` as it was")
def test_azure_old_version(student):
    """parse_azure reads version 3.2, and of either version it keeps labels and confidences as they are."""
    for amount in (5, 1):
        answer, expected, others = cloud.azure32(student.rng, amount)
        rows = parsed(student, "parse_azure", answer, "p2", "an answer of version 3.2", WHERE, keep=True)
        check_rows(rows, expected, "p2", "azure", "parse_azure", others, strict=True)
    answer, expected, _ = cloud.azure(student.rng, 4)
    try:
        rows = table_of(student.leaves_alone("parse_azure", answer, "p1"), "parse_azure(...)", ROW)
    except StudentFunctionError:
        return  # which has cost its marks in the other test, as other labels have
    if [row["label"] for row in rows] == list(expected):
        got = [as_number(row["confidence"], "A confidence of parse_azure(...)") for row in rows]
        check_confidences(list(zip(got, expected.values(), strict=True)), CLOSE)


@pytest.mark.question(
    "azure", requires="test_azure_new_version", promise="Azure sends an empty list if it found nothing"
)
def test_azure_empty(student):
    """A photo without labels gives an empty list, in both versions."""
    new, _, _ = cloud.azure(student.rng, 0)
    old, _, _ = cloud.azure32(student.rng, 0)
    check_empty(student, "parse_azure", [new, old])


@pytest.mark.question(
    "azure", requires="test_azure_new_version", promise="It raises a `ValueError` with Azure's message for an error"
)
def test_azure_error(student):
    """An error, or an answer that isn't about labels, raises a ValueError."""
    message = cloud.message(student.rng)
    check_refusal(student, "parse_azure", {"error": {"code": "401", "message": message}}, message)
    inner = {"code": "NotSupportedVisualFeature", "message": "Specified feature type is not valid"}
    body = {"error": {"code": "InvalidRequest", "message": message, "innererror": inner}}
    check_refusal(student, "parse_azure", body, message)
    caption, _, _ = cloud.azure(student.rng, 1)
    del caption["tagsResult"]
    check_refusal(student, "parse_azure", caption)


@pytest.mark.question("amazon", promise="confidences from 0 to 1 like all others")
def test_amazon_labels(student):
    """parse_amazon makes one row per label, with confidences from 0 to 1."""
    for amount in (5, 1):
        answer, expected, others = cloud.amazon(student.rng, amount)
        check_rows(parsed(student, "parse_amazon", answer, "p1"), expected, "p1", "amazon", "parse_amazon", others)


@pytest.mark.question(
    "amazon", requires="test_amazon_labels", promise="each label has a `Name` and a `Confidence` from 0 to 100"
)
def test_amazon_small_confidences(student):
    """Small confidences are divided by 100 like all others, and labels may come without their extras."""
    answer, expected, _ = cloud.amazon(student.rng, 4, low=0.05, high=0.95, extras=False)
    rows = parsed(student, "parse_amazon", answer, "p2", "labels without Parents and Instances", keep=True)
    check_rows(rows, expected, "p2", "amazon", "parse_amazon", strict=True)


@pytest.mark.question("amazon", requires="test_amazon_labels", promise="is a list, perhaps empty")
def test_amazon_empty(student):
    """A photo without labels gives an empty list."""
    check_empty(student, "parse_amazon", [{"Labels": [], "LabelModelVersion": "3.0"}])


@pytest.mark.question(
    "amazon", requires="test_amazon_labels", promise="For an error it raises a `ValueError` with Amazon's message in it"
)
def test_amazon_error(student):
    """An error raises a ValueError with Amazon's message."""
    for kind in ("ThrottlingException", "ImageTooLargeException"):
        message = cloud.message(student.rng)
        body = {"__type": kind, "Code": kind, "Logref": "5022229e-7e48-11e9", "Message": message}
        check_refusal(student, "parse_amazon", body, message)


def keeps(student, function, *arguments):
    """Whether a function that others are built on leaves its arguments alone: its own question has judged that."""
    try:
        student.leaves_alone(function, *arguments)
    except StudentError:
        return False
    return True


def cleaned(student, label, synonyms, keep=False):
    value = (student.leaves_alone if keep else student.call)("clean", label, synonyms)
    if not isinstance(value, str):
        raise StudentError(f"clean(...) should return a text, but it gave {describe(value)}. Is there a return?")
    return value


@pytest.mark.question("count", promise="returns the label in small letters, without blanks at its ends")
def test_clean_spelling(student):
    """clean removes capitals and the blanks at both ends."""
    first, second, third = cloud.words(student.rng, 3)
    for label, expected in ((first.upper(), first), (f"  {second} ", second), (f"{third.title()} Tree", "")):
        expected = expected or f"{third} tree"
        got = cleaned(student, label, {})
        assert got.strip() == got, f"clean(...) left blanks at the ends of {describe(label)}."
        assert got.replace(" ", "") != expected.replace(" ", "") or got == expected, (
            "clean(...) removed the blank between two words: only those at the ends go."
        )
        assert got == expected, (
            f"clean({label!r}, ...) gave {describe(got)}: only capitals and blanks at the ends should change."
        )


@pytest.mark.question("count", promise="replaced if it is one of the synonyms")
def test_clean_synonyms(student):
    """clean replaces whole words that are in the synonyms, in any spelling, and leaves the synonyms alone."""
    old, new, other = cloud.words(student.rng, 3)
    same = {old: new}
    assert cleaned(student, old, same) == new, "clean(...) didn't replace a word that is in the synonyms."
    assert cleaned(student, f" {old.title()}", same) == new, (
        "clean(...) replaced a synonym in small letters, but not one with a capital or a blank: "
        "bring the spelling in order first, then look the word up."
    )
    assert cleaned(student, other, same, keep=True) == other, "clean(...) changed a word that isn't in the synonyms."
    assert cleaned(student, f"{old} tree", same) == f"{old} tree", (
        "clean(...) replaced a part of a longer label: only a whole label that is in the synonyms is replaced."
    )


def check_counts(student, labels, truth, synonyms, expected, hint, keep=False):
    """Compare count(...) with (hits, false alarms, missed) and name a swap; with ``keep``, the lists must stay."""
    value = (student.leaves_alone if keep else student.call)("count", labels, truth, synonyms)
    got = three(value, "count(...)", "hits, false alarms and missed")
    hits, false_alarms, missed = expected
    assert tuple(got) != (hits, missed, false_alarms) or missed == false_alarms, (
        "False alarms and missed are swapped: a false alarm was said but isn't on the list, "
        "a missed word is on the list but wasn't said."
    )
    names = ("hits", "false alarms", "missed")
    wrong = [
        f"{name} {number:g} (expected {right})"
        for name, number, right in zip(names, got, expected, strict=True)
        if number != right
    ]
    assert not wrong, f"For {len(labels)} labels against {len(truth)} words, got {', '.join(wrong)}. {hint}"


def three(value, what, names):
    """Return three finite numbers that a function returned together."""
    if hasattr(value, "tolist") and getattr(value, "ndim", 0) == 1:
        value = value.tolist()
    if not isinstance(value, (list, tuple)):
        raise StudentError(f"{what} should return three numbers, {names}, but it gave {describe(value)}.")
    if len(value) != 3:
        raise StudentError(f"{what} should return three numbers, {names}, but it returned {len(value)}.")
    return [
        as_number(number, f"The {place} value that {what} returns")
        for place, number in zip(("first", "second", "third"), value, strict=True)
    ]


@pytest.mark.question("count", promise="returns three whole numbers")
def test_count_words(student):
    """count finds hits, false alarms and missed words."""
    rng = student.rng
    for hits, false_alarms, missed in ((3, 1, 2), (0, 2, 1), (2, 0, 0), (0, 0, 3), (0, 2, 0), (0, 0, 0)):
        both, said, there = cloud.parts(rng, hits, false_alarms, missed)
        labels, truth = rng.permutation(both + said).tolist(), rng.permutation(both + there).tolist()
        hint = "Which words are in both lists, which in one only?"
        check_counts(student, labels, truth, {}, (hits, false_alarms, missed), hint)


@pytest.mark.question(
    "count", requires="test_count_words", promise="A word that comes up twice after cleaning counts once"
)
def test_count_cleans_and_counts_once(student):
    """count cleans both lists, counts words once that come up twice, and changes neither list."""
    a, b, c, d = cloud.words(student.rng, 4)
    hint = "Capitals and blanks differ between the two lists: clean both of them."
    check_counts(student, [a.title(), b], [a, f" {b.upper()}"], {}, (2, 0, 0), hint)
    hint = "The person's list may use a synonym, too: clean both lists."
    check_counts(student, [a, c], [b, d], {a: b, d: c}, (2, 0, 0), hint)
    hint = "A word that comes up twice after cleaning counts once."
    check_counts(student, [a, a.title(), b, c, c.upper()], [a, b, b.title()], {}, (2, 1, 0), hint)
    check_counts(student, [a, b, c], [c, d.upper(), d], {a: b}, (1, 1, 1), hint)
    keep = keeps(student, "clean", c, {a: b})
    check_counts(student, [f"{a} ", b, c.title(), c], [d.upper(), c, b], {}, (2, 1, 1), hint, keep)


def metrics(student, hits, false_alarms, missed):
    value = student.call("precision_recall_f1", hits, false_alarms, missed)
    return three(value, "precision_recall_f1(...)", "precision, recall and F1")


def draw_counts(rng):
    """Draw counts for which precision, recall, F1 and their usual confusions differ; the last two are the smallest."""
    hits, few, more = (int(rng.integers(*limits)) for limits in ((5, 13), (1, 5), (3, 10)))
    most = more + int(rng.integers(2, 7))
    drawn = [(hits, few, hits + more), (hits, hits + more, few), (hits, hits + most, hits + more)]
    return [*drawn, (1, 0, 2), (1, 2, 0)]


@pytest.mark.question("metrics", promise="of what it said, how much is there?")
def test_precision(student):
    """Precision: of what was said, how much is there."""
    for hits, false_alarms, missed in draw_counts(student.rng):
        got, right = metrics(student, hits, false_alarms, missed)[0], hits / (hits + false_alarms)
        hint = "Divide the hits by all that the service said."
        hint = "It is a share from 0 to 1, not a percentage." if abs(got - 100 * right) < 0.6 else hint
        hint = "That is recall: the two come in the other order." if abs(got - hits / (hits + missed)) < CLOSE else hint
        assert abs(got - right) < ROUNDED, (
            f"Precision: got {got:.4g} for {hits} hit(s), {false_alarms} false alarm(s) and {missed} missed. {hint}"
        )


@pytest.mark.question("metrics", promise="of what is there, how much did it say?")
def test_recall(student):
    """Recall: of what is there, how much was said."""
    for hits, false_alarms, missed in draw_counts(student.rng):
        got, right = metrics(student, hits, false_alarms, missed)[1], hits / (hits + missed)
        swapped = abs(got - hits / (hits + false_alarms)) < CLOSE
        hint = "Divide the hits by all that is there to be found."
        hint = "It is a share from 0 to 1, not a percentage." if abs(got - 100 * right) < 0.6 else hint
        hint = "That is precision: the two come in the other order." if swapped else hint
        assert abs(got - right) < ROUNDED, (
            f"Recall: got {got:.4g} for {hits} hit(s), {false_alarms} false alarm(s) and {missed} missed. {hint}"
        )


@pytest.mark.question("metrics", promise="from 0 to 1 and not rounded")
def test_f1(student):
    """F1: one number for both, nearer to the smaller one; none of the three is rounded."""
    for hits, false_alarms, missed in draw_counts(student.rng):
        precision, recall, got = metrics(student, hits, false_alarms, missed)
        p, r = hits / (hits + false_alarms), hits / (hits + missed)
        named = {
            (p + r) / 2: "That is the plain mean of precision and recall.",
            (p * r) ** 0.5: "That is the square root of their product.",
            p * r / (p + r): "Half of what it should be: there is a 2 above the line.",
            hits / (hits + false_alarms + missed): "That is the share of hits among all words.",
            p * r: "That is their product alone.",
            200 * p * r / (p + r): "It is a number from 0 to 1, not a percentage.",
        }
        hint = next((text for number, text in named.items() if abs(got - number) < CLOSE), "")
        right = 2 * p * r / (p + r)
        assert abs(got - right) >= ROUNDED or abs(got - right) < CLOSE, (
            f"F1: got {got:.4g}, which is only nearly right. Don't round, neither here nor before."
        )
        for name, one, exact in (("Precision", precision, p), ("Recall", recall, r)):
            assert abs(one - exact) >= ROUNDED or abs(one - exact) < CLOSE, (
                f"{name}: got {one:.6g}, which is only nearly right. None of the three numbers is to be rounded."
            )
        assert abs(got - right) < CLOSE, (
            f"F1: got {got:.4g} for {hits} hit(s), {false_alarms} false alarm(s) and {missed} missed. "
            f"{hint or 'Put your precision and your recall into the formula.'}"
        )


@pytest.mark.question(
    "metrics", requires=["test_precision", "test_recall"], promise="A fraction with 0 below the line counts as 0"
)
def test_zero_below_the_line(student):
    """A fraction with 0 below the line counts as 0."""
    n, m = (int(number) for number in student.rng.integers(2, 20, 2))
    names = ("precision", "recall", "F1")
    cases = {
        "nothing was said": (0, 0, n),
        "nothing is there": (0, n, 0),
        "nothing was said and nothing is there": (0, 0, 0),
        "there is no hit": (0, n, m),
    }
    for case, counts in cases.items():
        try:
            got = metrics(student, *counts)
        except StudentFunctionError as raised:
            if raised.error_type != "ZeroDivisionError":
                raise
            raise StudentError(
                f"When {case}, precision_recall_f1(...) divided by 0. A fraction with 0 below the line counts as 0."
            ) from None
        wrong = [f"{name} {number:g}" for name, number in zip(names, got, strict=True) if abs(number) > CLOSE]
        assert not wrong, (
            f"When {case}, got {', '.join(wrong)}, expected 0: a fraction with 0 below the line counts as 0."
        )


def points_of(value, what, amount):
    """Return points as a list of four numbers each."""
    if type(value).__name__ == "DataFrame":
        value = value.to_numpy()
    if hasattr(value, "tolist"):
        value = value.tolist()
    if not isinstance(value, (list, tuple)):
        raise StudentError(f"{what} should return a list of tuples, but it gave {describe(value)}.")
    assert len(value) == amount, f"{what} gave {len(value)} points for {amount} thresholds: one each, in their order."
    value = [point.tolist() if hasattr(point, "tolist") else point for point in value]
    for point in value:
        if not isinstance(point, (list, tuple)) or len(point) != 4:
            raise StudentError(
                f"Each point of {what} should be (threshold, precision, recall, f1), but one is {describe(point)}."
            )
    return [[as_number(number, f"A number in a point of {what}") for number in point] for point in value]


def own_points(student, rows, truth, thresholds, synonyms=None):
    """The curve made of the student's own metrics, and with synonyms of their own counts, too; None if they fail."""
    points = []
    try:
        for threshold in thresholds:
            kept = cloud.kept(rows, threshold)
            counts = cloud.totals(rows, truth, threshold)
            if synonyms is not None:
                labels = {photo: [row["label"] for row in kept if row["photo"] == photo] for photo in truth}
                cases = [(labels[photo], there, synonyms) for photo, there in truth.items()]
                each = [three(value, "count(...)", "numbers") for value in student.calls("count", cases)]
                counts = cloud.total(each)
            points.append([threshold, *metrics(student, *map(int, counts))])
    except StudentError:
        return None
    return points


def forgiven(right, own):
    """The right point, but for what the student's own metrics round, and for their F1: question 6 has judged these."""
    rounded = [mine if abs(mine - exact) < ROUNDED else exact for exact, mine in zip(right[:3], own[:3], strict=True)]
    return [*rounded, own[3]]


def curve_of(student, rows, truth, thresholds, synonyms, keep=False):
    """Return the student's points, one for each threshold; with ``keep``, the arguments must stay as they were."""
    value = (student.leaves_alone if keep else student.call)("curve", rows, truth, thresholds, synonyms)
    got = points_of(value, "curve(...)", len(thresholds))
    assert [point[0] for point in got] == pytest.approx(thresholds), (
        "The first number of each point should be its threshold, in the order given."
    )
    return got


def check_curve(student, rows, truth, thresholds, hints=(), strict=False):
    """Compare the student's curve with ours; ``hints`` are (a curve that a mistake gives, its name).

    Only ``strict`` minds rounding: it is worth one test of the question, not all of them.
    """
    got, expected = curve_of(student, rows, truth, thresholds, {}), cloud.curve(rows, truth, thresholds)
    if cloud.same(got, expected, CLOSE):
        return
    own = own_points(student, rows, truth, thresholds)
    if own and cloud.same(got, [forgiven(*pair) for pair in zip(expected, own, strict=True)], CLOSE):
        return
    if cloud.same(got, expected):
        if not strict:
            return
        raise StudentError("The numbers of your points are only nearly right: don't round them.")
    for wrong, sentence in hints:
        if cloud.same(got, wrong) and not cloud.same(wrong, expected):
            raise StudentError(sentence)
    names = ("precision", "recall", "F1")
    places = [i for i in range(len(thresholds)) if not cloud.same(got[i : i + 1], expected[i : i + 1])]
    one, right = got[places[0]], expected[places[0]]
    differing = [name for name, a, b in zip(names, one[1:], right[1:], strict=True) if abs(a - b) > CLOSE]
    raise StudentError(
        f"{len(places)} of {len(thresholds)} points are wrong, first in {', '.join(differing)}. Keep the labels "
        "of at least the threshold, count photo by photo, add up, then divide. It builds on questions 5 and 6: "
        "fix those first if they complain."
    )


def check_synonyms(student, rows, truth, thresholds):
    """Demand the same curve when words are said otherwise and synonyms make them the same."""
    expected = cloud.curve(rows, truth, thresholds)
    said, there, synonyms = cloud.renamed(student.rng, rows, truth)
    got = curve_of(student, said, there, thresholds, synonyms, keep=keeps(student, "count", [], ["B", "a"], {}))
    if not cloud.same(got, expected):
        expected = own_points(student, said, there, thresholds, synonyms) or expected
    assert cloud.same(got, expected), (
        "With words that `synonyms` makes the same, curve(...) gives other points than its own `count` and "
        "`precision_recall_f1` give with these synonyms: pass on the `synonyms` that curve is given."
    )


@pytest.mark.question("curve", promise="add the counts up over the photos")
def test_curve_points(student):
    """curve adds the counts of all photos up, for each threshold."""
    rows, truth = cloud.table(student.rng)
    thresholds = [0.3, 0.05, 0.65, 0.75]
    hints = [
        (cloud.curve(rows, truth, thresholds, by_photo=False), "Labels of one photo count for the others: a word only "
         "counts for the photo that it was said of, so go photo by photo."),
        (cloud.mean_curve(rows, truth, thresholds), "These are means of each photo's own precision, recall and F1: "
         "add the counts of all photos up first, then divide once."),
        (cloud.curve(rows, truth, thresholds, below=True), "The labels below the threshold were kept, expected those "
         "of at least the threshold."),
        (cloud.running_curve(rows, truth, thresholds), "The counts of one threshold go on into the next: start at 0 "
         "for each threshold."),
        (cloud.curve(rows, truth, [0.0] * 4, labels=thresholds), "All points have the same numbers, as if every label "
         "were kept: which labels does a threshold let through?"),
    ]  # fmt: skip
    check_curve(student, rows, truth, thresholds, hints)


@pytest.mark.question(
    "curve", requires="test_curve_points", promise="all labels whose confidence is at least a threshold"
)
def test_curve_equality(student):
    """A label whose confidence equals the threshold is kept, and the numbers are exact."""
    rows, truth = cloud.table(student.rng)
    thresholds = sorted({row["confidence"] for row in rows})[1:-1:3]
    sentence = "A label whose confidence equals the threshold was dropped: *at least* means >=."
    hints = [(cloud.curve(rows, truth, thresholds, strict=True), sentence)]
    check_curve(student, rows, truth, thresholds, hints, strict=True)


@pytest.mark.question(
    "curve", requires="test_curve_points", promise="A photo for which nothing is kept still has its missed words"
)
def test_curve_silent_photos(student):
    """A photo for which nothing is kept still has its missed words; synonyms are the same; nothing given is changed."""
    rows, truth = cloud.table(student.rng)
    thresholds = [0.1, 0.5, 0.75]
    check_curve(student, rows, truth, thresholds)
    truth["silent"] = cloud.words(student.rng, 3)
    sentence = (
        "Photos for which no label is kept were left out, so their missed words are lost and recall looks "
        "too good: go through all photos of truth."
    )
    check_curve(student, rows, truth, thresholds, [(cloud.curve(rows, truth, thresholds, silent=False), sentence)])
    check_synonyms(student, rows, truth, thresholds)


@pytest.mark.question("curve", promise="if several have it, the highest of them")
def test_best_threshold(student):
    """best_threshold takes the largest F1, and of several the highest threshold; the points stay as they are."""
    rng = student.rng
    for tie in (False, True):
        points, best = cloud.points(rng, tie)
        check_best(points, best, student.leaves_alone("best_threshold", points))
    useless = [(threshold, 0.0, 0.0, 0.0) for threshold, *_ in points]
    for some in (useless, points[:1]):
        check_best(some, max(threshold for threshold, *_ in some), student.call("best_threshold", some))
    many = [(int(number) / 64, 0.5, 0.5, place / 64) for place, number in enumerate(rng.permutation(64))]
    check_best(many, many[-1][0], student.call("best_threshold", many))


def check_best(points, best, value):
    """Compare a threshold with the best of these points."""
    got = as_number(value, "best_threshold(...)")
    f1s, thresholds = [point[3] for point in points], [point[0] for point in points]
    assert got in thresholds or got not in f1s, (
        "best_threshold(...) gave the largest F1 itself, expected the threshold that has it."
    )
    assert got in thresholds, f"best_threshold(...) gave {got:g}, which isn't the threshold of any of the points."
    ties = [t for t, f1 in zip(thresholds, f1s, strict=True) if f1 == max(f1s)]
    assert got == best or got not in ties, (
        f"{len(ties)} thresholds have the largest F1, and best_threshold(...) didn't give the highest of them."
    )
    hint = "Compare the last number of each point, and return the first one of the winner."
    for column, name in ((1, "precision"), (2, "recall")):
        if points[thresholds.index(got)][column] == max(point[column] for point in points):
            hint = f"It has the largest {name} instead."
    assert got == best, f"best_threshold(...) gave a threshold that doesn't have the largest F1. {hint}"
