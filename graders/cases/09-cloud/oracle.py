"""Which answers to 09-cloud are right: the second opinion of `nbseal verify`.

Rows and boxes may come in any order, for the notebook asks for none. What is expected is worked out here, with exact
fractions where there is something to divide.
"""

from fractions import Fraction

import pytest

from nbseal.errors import StudentFunctionError

LETTERS = "abcdefghijklmnopqrstuvwxyz"
NEAR = 1e-9


def word(rng, blanks=True):
    """A text that no program knows: several words, capitals here and there."""
    letters = "".join(rng.choice(list(LETTERS), int(rng.integers(3, 9))))
    return f"{letters.title()} {letters[::-1]}" if blanks and rng.random() < 0.4 else letters


def number(rng):
    """A number from 0 to 1, now and then one of the ends."""
    return float(rng.choice([0.0, 1.0, *rng.random(6)]))


def plain(table):
    """Rows as dictionaries, from a list or a table of pandas."""
    return table.to_dict("records") if hasattr(table, "to_dict") else list(table)


def near(got, expected):
    return abs(float(got) - float(expected)) < NEAR


def same_rows(got, expected, numbers, texts):
    """Whether rows say the same in any order, whatever else is in them."""

    def key(row):
        return [row[name] for name in texts] + [float(row[name]) for name in numbers]

    got = plain(got)
    if not all(type(row[name]) is str for row in got for name in texts) or len(got) != len(expected):
        return False
    pairs = zip(sorted(map(key, got)), sorted(map(key, expected)), strict=True)
    split = len(texts)
    return all(a[:split] == b[:split] and all(map(near, a[split:], b[split:])) for a, b in pairs)


def check_parser(student, function, service, answers):
    """A parser gives the expected (label, confidence) of each answer as rows, and leaves the answer alone."""
    for answer, found in answers:
        photo = word(student.rng)
        rows = [{"photo": photo, "service": service, "label": label, "confidence": c} for label, c in found]
        got = student.leaves_alone(function, answer, photo)
        assert same_rows(got, rows, ["confidence"], ["photo", "service", "label"])


def check_refusals(student, function, answers):
    """A parser raises a ValueError that holds the service's message."""
    for answer, message in answers:
        with pytest.raises(StudentFunctionError) as raised:
            student.call(function, answer, "p")
        assert "ValueError" in raised.value.error_bases
        assert message in raised.value.said


@pytest.mark.question("google")
def test_google(student):
    """Labels with and without a score, none at all, objects beside them, and errors."""
    rng, answers = student.rng, []
    for amount in (0, 1, 2, 3, 9):
        found = [(word(rng), number(rng)) for _ in range(amount)]
        labels = [{"mid": word(rng), "description": label, "topicality": number(rng)} for label, _ in found]
        labels = [{**entry, "score": c} if c else entry for entry, (_, c) in zip(labels, found, strict=True)]
        answer = {"labelAnnotations": labels} if labels else {}
        objects = {"localizedObjectAnnotations": [{"mid": "/m/1", "name": word(rng), "score": 0.5, "boundingPoly": {}}]}
        answers += [(answer, found), ({**objects, **answer}, found)]
    check_parser(student, "parse_google", "google", answers)
    errors = [(code, word(rng)) for code in (3, 7, 14)]
    refused = [({"error": {"code": code, "message": message}}, message) for code, message in errors]
    check_refusals(student, "parse_google", refused)


@pytest.mark.question("boxes")
def test_boxes(student):
    """Boxes anywhere, turned, at the edges, several of one name, and none."""
    rng = student.rng
    assert plain(student.leaves_alone("google_boxes", {})) == []
    for amount in (1, 2, 3, 8):
        objects, expected = [], []
        names = [word(rng) for _ in range(max(1, amount // 2))]
        for _ in range(amount):
            (left, right), (top, bottom) = (sorted([number(rng), number(rng)]) for _ in "xy")
            name = str(rng.choice(names))
            corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
            start = int(rng.integers(4))
            sent = [{k: v for k, v in zip("xy", xy, strict=True) if v} for xy in corners[start:] + corners[:start]]
            objects.append({"name": name, "score": number(rng), "boundingPoly": {"normalizedVertices": sent}})
            expected.append({"label": name, "left": left, "top": top, "right": right, "bottom": bottom})
        answer = {"labelAnnotations": [{"description": word(rng)}], "localizedObjectAnnotations": objects}
        got = student.leaves_alone("google_boxes", answer)
        assert same_rows(got, expected, ["left", "top", "right", "bottom"], ["label"])


@pytest.mark.question("azure")
def test_azure(student):
    """Both versions, with and without tags, errors, and what is no answer about labels."""
    rng, answers = student.rng, []
    more = {"modelVersion": word(rng), "metadata": {"width": 3, "height": 2}}
    for amount in (0, 1, 2, 9):
        found = [(word(rng), number(rng)) for _ in range(amount)]
        tags = [{"name": label, "confidence": c} for label, c in found]
        forms = ({"tags": tags}, {"tagsResult": {"values": tags}})
        answers += [({**extra, **form}, found) for form in forms for extra in ({}, more)]
    check_parser(student, "parse_azure", "azure", answers)
    errors = [{"code": word(rng), "message": word(rng)} for _ in range(3)]
    check_refusals(student, "parse_azure", [({"error": error}, error["message"]) for error in errors])
    other = [{}, more, {"captionResult": {"text": word(rng), "confidence": 0.5}}, {"objects": []}]
    check_refusals(student, "parse_azure", [(answer, "") for answer in other])


@pytest.mark.question("amazon")
def test_amazon(student):
    """Confidences from 0 to 100, with and without extras, and errors."""
    rng, answers = student.rng, []
    for amount in (0, 1, 2, 9):
        found = [(word(rng), float(Fraction(100 * number(rng)))) for _ in range(amount)]
        labels = [{"Name": label, "Confidence": percent} for label, percent in found]
        extras = {"Parents": [{"Name": word(rng)}], "Instances": [{"Confidence": 3.0}], "Categories": [], "Aliases": []}
        expected = [(label, Fraction(percent) / 100) for label, percent in found]
        answers += [({"Labels": [{**entry, **extra} for entry in labels]}, expected) for extra in ({}, extras)]
    check_parser(student, "parse_amazon", "amazon", answers)
    errors = [({"__type": f"{word(rng, False)}Exception", "Message": said}, said) for said in (word(rng), word(rng))]
    check_refusals(student, "parse_amazon", errors)


def spelt(rng, text):
    """The same label in another spelling."""
    return " " * int(rng.integers(3)) + str(rng.choice([text, text.upper(), text.title()])) + " " * int(rng.integers(3))


def vocabulary(rng, size):
    """Words in small letters, and synonyms for some of them; no synonym leads to another."""
    words = list(dict.fromkeys(word(rng).lower() for _ in range(size)))
    return words, {f"{one} two": one for one in words[::2]} | {words[1]: words[2]}


def one_word(label, synonyms):
    label = label.lower()
    while label[:1] == " ":
        label = label[1:]
    while label[-1:] == " ":
        label = label[:-1]
    return synonyms.get(label, label)


def counted(labels, truth, synonyms):
    """(hits, false alarms, missed), by walking through the lists."""
    said, there = (dict.fromkeys(one_word(label, synonyms) for label in some) for some in (labels, truth))
    hits = sum(one in there for one in said)
    return hits, len(said) - hits, len(there) - hits


def some_labels(rng, words, synonyms, most):
    drawn = rng.choice([*words, *synonyms], int(rng.integers(0, most + 1)))
    return [spelt(rng, str(one)) for one in drawn]


@pytest.mark.question("count")
def test_count(student):
    """Any spelling, synonyms on either side, words that come up twice, and empty lists."""
    rng = student.rng
    for _ in range(30):
        words, synonyms = vocabulary(rng, 6)
        for label in [*words, *synonyms, f"{words[0]} more"]:
            label = spelt(rng, label)
            assert student.leaves_alone("clean", label, synonyms) == one_word(label, synonyms)
        labels, truth = (some_labels(rng, words, synonyms, most) for most in (5, 4))
        for known in (synonyms, {}):
            got = student.leaves_alone("count", labels, truth, known)
            assert tuple(got) == counted(labels, truth, known)


def measured(hits, false_alarms, missed):
    """Precision, recall and F1 as exact fractions."""
    precision = Fraction(hits, hits + false_alarms) if hits + false_alarms else Fraction(0)
    recall = Fraction(hits, hits + missed) if hits + missed else Fraction(0)
    both = precision + recall
    return precision, recall, 2 * precision * recall / both if both else Fraction(0)


@pytest.mark.question("metrics")
def test_metrics(student):
    """All small counts, and some large ones."""
    small = [(hits, false, missed) for hits in range(5) for false in range(5) for missed in range(5)]
    cases = [*small, *student.rng.integers(0, 400, (60, 3)).tolist()]
    for got, case in zip(student.calls("precision_recall_f1", cases), cases, strict=True):
        assert len(got) == 3
        assert all(map(near, got, measured(*case)))


def expected_points(rows, truth, thresholds, synonyms):
    for threshold in thresholds:
        sums = [0, 0, 0]
        for photo, there in truth.items():
            labels = [row["label"] for row in rows if row["photo"] == photo and row["confidence"] >= threshold]
            sums = [a + b for a, b in zip(sums, counted(labels, there, synonyms), strict=True)]
        yield (threshold, *measured(*sums))


@pytest.mark.question("curve")
def test_curve(student):
    """Photos with and without rows, thresholds that a label reaches exactly, and the best of any points."""
    rng = student.rng
    for photos in (2, 3, 4, 4):
        words, synonyms = vocabulary(rng, 9)
        truth = {f"photo {n}": some_labels(rng, words, synonyms, 6) for n in range(photos)}
        rows = [
            {"photo": photo, "service": "google", "label": label, "confidence": round(number(rng), 2)}
            for photo in list(truth)[1:] * 3
            for label in [words[0], *some_labels(rng, words, synonyms, 4)]
        ]
        thresholds = [0.0, 1.0, *rng.permutation([row["confidence"] for row in rows]).tolist()[:8], 0.333]
        for known in (synonyms, {}):
            points = plain_points(student.leaves_alone("curve", rows, truth, thresholds, known))
            expected = list(expected_points(rows, truth, thresholds, known))
            assert len(points) == len(expected)
            assert all(map(near, [n for one in points for n in one], [n for one in expected for n in one]))
    for amount in (1, 2, 3, *[6] * 30, *[50] * 10):
        levels = rng.choice([0.0, *rng.random(2)], amount) if rng.random() < 0.7 else rng.random(amount)
        shares = rng.choice(1000, amount, replace=False) / 1000
        made = [(float(t), *rng.random(2).tolist(), float(f1)) for t, f1 in zip(shares, levels, strict=True)]
        best = max(t for t, _, _, f1 in made if f1 == max(levels))
        assert student.leaves_alone("best_threshold", made) == best


def plain_points(value):
    points = [tuple(point) for point in (value.to_numpy().tolist() if hasattr(value, "to_numpy") else value)]
    assert all(len(point) == 4 for point in points)
    return points
