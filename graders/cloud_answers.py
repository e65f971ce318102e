"""Makes answers in the forms of three cloud vision services, and reference curves, for the hidden tests of 09-cloud.

Forms: Google Cloud Vision v1 images:annotate (one element of "responses"), Azure Image Analysis 4.0 (2023-10-01) and
3.2, Amazon Rekognition DetectLabels. Sources: the vendors' public documentation and API descriptions.
"""

from pathlib import Path

WORDS = (Path(__file__).parent / "data" / "everyday_words.txt").read_text(encoding="utf-8").split()
NEAR = 0.006  # rounded to two digits is near enough here; one label more or less makes a larger difference


def words(rng, amount):
    """Draw different words in small letters."""
    return [WORDS[i] for i in rng.choice(len(WORDS), amount, replace=False)]


def parts(rng, *amounts):
    """Draw different words and cut them into lists of these lengths."""
    drawn = words(rng, sum(amounts))
    return [[drawn.pop() for _ in range(amount)] for amount in amounts]


def message(rng):
    """Draw the message of an error, which no program can know before."""
    first, second = words(rng, 2)
    return f"Request {int(rng.integers(10**8, 10**9))} about {first} and {second} was refused"


def confidences(rng, amount, low=0.06, high=0.999):
    """Draw different confidences, the largest first, as services give them."""
    return sorted((float(number) for number in rng.uniform(low, high, amount)), reverse=True)


def google(rng, amount):
    """Return (answer, label -> confidence, texts in it that are no labels)."""
    drawn = words(rng, amount + 2)
    labels, things = [word.capitalize() for word in drawn[:amount]], [word.capitalize() for word in drawn[amount:]]
    answer = {"labelAnnotations": [], "localizedObjectAnnotations": []}
    expected = dict(zip(labels, confidences(rng, amount), strict=True))
    others = list(things)
    for label, score in expected.items():
        mid = f"/m/0{int(rng.integers(10**4, 10**5))}"
        others.append(mid)
        topicality = float(rng.uniform(0.01, 0.05))
        entry = {"mid": mid, "description": label, "score": score, "topicality": topicality}
        answer["labelAnnotations"].append(entry)
    for thing in things:
        corners = [{"x": 0.1, "y": 0.1}, {"x": 0.4, "y": 0.1}, {"x": 0.4, "y": 0.7}, {"x": 0.1, "y": 0.7}]
        entry = {"mid": "/m/0199g", "name": thing, "score": 0.81, "boundingPoly": {"normalizedVertices": corners}}
        answer["localizedObjectAnnotations"].append(entry)
    return answer, expected, others


def boxes(rng, amount, at_edge=False, turned=False):
    """Return (answer of Google, list of boxes): at the photo's edge with zeros left out, or any corner first.

    Of four boxes, two have the same name.
    """
    answer = {"labelAnnotations": [{"mid": "/m/01c8br", "description": "Street", "score": 0.87, "topicality": 0.87}]}
    answer["localizedObjectAnnotations"], expected = [], []
    names = words(rng, amount)
    if amount == 4:
        names[3] = names[0]
    for number, word in enumerate(names):
        left, top = (float(share) for share in rng.uniform(0.05, 0.35, 2))
        right, bottom = (float(share) for share in rng.uniform(0.6, 0.98, 2))
        if at_edge:
            left, top = (0.0 if number != 1 else left), (0.0 if number != 2 else top)
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        start = (number % 3 + 1) if turned else 0
        sent = [{k: v for k, v in zip("xy", corners[(i + start) % 4], strict=True) if v} for i in range(4)]
        poly = {"normalizedVertices": sent}
        entry = {"mid": "/m/0199g", "name": word.capitalize(), "score": 0.5 + 0.1 * number, "boundingPoly": poly}
        answer["localizedObjectAnnotations"].append(entry)
        edges = {"left": left, "top": top, "right": right, "bottom": bottom}
        expected.append({"label": word.capitalize(), **edges})
    return answer, expected


def azure(rng, amount):
    """Return (answer in the form of version 4.0, label -> confidence, texts in it that are no labels)."""
    *labels, thing, spare = words(rng, amount + 2)
    expected = dict(zip(labels, confidences(rng, amount), strict=True))
    caption = f"a {thing} next to a {spare}"
    box = {"boundingBox": {"x": 3, "y": 5, "w": 90, "h": 60}, "tags": [{"name": thing, "confidence": 0.618}]}
    answer = {
        "modelVersion": "2023-10-01",
        "captionResult": {"text": caption, "confidence": 0.77},
        "metadata": {"width": 864, "height": 576},
        "tagsResult": {"values": [{"name": name, "confidence": c} for name, c in expected.items()]},
        "objectsResult": {"values": [box]},
    }
    return answer, expected, [thing, caption]


def azure32(rng, amount):
    """Return (answer in the form of version 3.2, label -> confidence, texts in it that are no labels)."""
    *labels, thing, spare = words(rng, amount + 2)
    expected = dict(zip(labels, confidences(rng, amount), strict=True))
    tags = [{"name": name, "confidence": c} for name, c in expected.items()]
    for tag in tags[1:2]:
        tag["hint"] = spare
    answer = {
        "categories": [{"name": "outdoor_", "score": 0.0078}],
        "tags": tags,
        "objects": [{"rectangle": {"x": 3, "y": 5, "w": 90, "h": 60}, "object": thing, "confidence": 0.61}],
        "requestId": "d60ac02b-966d-4f62-bc24-fbb1fec8bd5d",
        "metadata": {"height": 200, "width": 300, "format": "Png"},
        "modelVersion": "2021-05-01",
    }
    return answer, expected, [thing, spare, "outdoor_"]


def amazon(rng, amount, low=6.0, high=99.9, extras=True):
    """Return (answer, label -> confidence from 0 to 1, texts in it that are no labels); low and high are per cent."""
    drawn = [word.capitalize() for word in words(rng, amount + 3)]
    labels, (parent, alias, category) = drawn[:amount], drawn[amount:]
    percents = confidences(rng, amount, low, high)
    entries = []
    for number, (label, percent) in enumerate(zip(labels, percents, strict=True)):
        entry = {"Name": label, "Confidence": percent}
        if extras:
            box = {"Width": 0.2, "Height": 0.3, "Left": 0.1, "Top": 0.5}
            found = [{"BoundingBox": box, "Confidence": percent / 2}, {"BoundingBox": box, "Confidence": percent / 3}]
            entry["Instances"] = found if number % 2 == 0 else []
            entry["Parents"] = [{"Name": parent}] if number % 2 else []
            entry |= {"Aliases": [{"Name": alias}], "Categories": [{"Name": category}]}
        entries.append(entry)
    answer = {"Labels": entries, "LabelModelVersion": "3.0" if extras else "2.0"}
    return answer, {label: p / 100 for label, p in zip(labels, percents, strict=True)}, [parent, alias, category]


def table(rng):
    """Return (rows of one service, truth) of three photos; every label occurs, in vain, for another photo, too."""
    drawn = words(rng, 11)
    truth = {"one": drawn[0:4], "two": drawn[3:8], "three": drawn[7:9]}
    said = {
        "one": [*drawn[0:3], drawn[8], drawn[9]],
        "two": [drawn[3], drawn[4], drawn[5], drawn[0], drawn[10], drawn[1]],
        "three": [drawn[7], drawn[4]],
    }
    pairs = [(photo, label) for photo, labels in said.items() for label in labels]
    shares = rng.permutation(len(pairs)) / len(pairs) * 0.9 + 0.07
    first = [[photo for photo, _ in pairs].index(photo) for photo in truth]
    for place, top in zip(first, sorted(shares)[-len(first) :], strict=True):  # no photo is silent below 0.75
        where = list(shares).index(top)
        shares[place], shares[where] = shares[where], shares[place]
    rows = [
        {"photo": photo, "service": "azure", "label": label, "confidence": round(float(share), 4)}
        for (photo, label), share in zip(pairs, shares, strict=True)
    ]
    return rows, truth


def renamed(rng, rows, truth):
    """Return rows and truth in which some words are said otherwise, and the synonyms that make them the same again."""
    known = sorted({row["label"] for row in rows} | {word for there in truth.values() for word in there})
    other = {word: f"{word} thing" for word in rng.permutation(known)[: len(known) * 2 // 3].tolist()}
    said = [{**row, "label": other.get(row["label"], row["label"]).title()} for row in rows]
    there = {photo: [other.get(word, word) if rng.random() < 0.3 else word for word in t] for photo, t in truth.items()}
    return said, there, {new: old for old, new in other.items()}


def metrics(hits, false_alarms, missed):
    """Return (precision, recall, F1), 0 where there is nothing to divide by."""
    precision = hits / (hits + false_alarms) if hits + false_alarms else 0.0
    recall = hits / (hits + missed) if hits + missed else 0.0
    return precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def counts(labels, there):
    """Return the numbers of hits, false alarms and missed words."""
    labels, there = set(labels), set(there)
    return len(labels & there), len(labels - there), len(there - labels)


def kept(rows, threshold, strict=False, below=False):
    """Return the rows that a threshold lets through, or would by mistake."""
    if below:
        return [row for row in rows if row["confidence"] <= threshold]
    return [row for row in rows if row["confidence"] > threshold or (not strict and row["confidence"] == threshold)]


def photo_counts(rows, truth, silent=True):
    """Return (hits, false alarms, missed) of each photo; without ``silent``, of photos that have rows."""
    said = {photo: [row["label"] for row in rows if row["photo"] == photo] for photo in truth}
    return [counts(said[photo], there) for photo, there in truth.items() if silent or said[photo]]


def total(every):
    """Return the sums of (hits, false alarms, missed)."""
    return tuple(sum(column) for column in zip(*every, strict=True)) if every else (0, 0, 0)


def totals(rows, truth, threshold):
    """Return (hits, false alarms, missed) of all photos together."""
    return total(photo_counts(kept(rows, threshold), truth))


def curve(rows, truth, thresholds, strict=False, below=False, silent=True, by_photo=True, labels=None):
    """Return the points of the curve; each option makes a mistake that students make."""
    points = []
    for place, threshold in enumerate(thresholds):
        through = kept(rows, threshold, strict, below)
        if by_photo:
            summed = total(photo_counts(through, truth, silent))
        else:
            there = [word for words_of_one in truth.values() for word in words_of_one]
            summed = counts([row["label"] for row in through], there)
        points.append((labels[place] if labels else threshold, *metrics(*summed)))
    return points


def mean_curve(rows, truth, thresholds):
    """Return the curve of means over photos."""
    points = []
    for threshold in thresholds:
        each = [metrics(*numbers) for numbers in photo_counts(kept(rows, threshold), truth)]
        points.append((threshold, *(sum(column) / len(each) for column in zip(*each, strict=True))))
    return points


def running_curve(rows, truth, thresholds):
    """Return the curve whose counts aren't set back to 0 between thresholds."""
    points, before = [], (0, 0, 0)
    for threshold in thresholds:
        before = total([before, *photo_counts(kept(rows, threshold), truth)])
        points.append((threshold, *metrics(*before)))
    return points


def same(one, other, near=NEAR):
    """Whether two curves of the same length agree."""
    pairs = zip(one, other, strict=True)
    return all(abs(a - b) < near for left, right in pairs for a, b in zip(left, right, strict=True))


def points(rng, tie):
    """Return (points in no order, the best threshold).

    The best is neither the first nor the last of the list, nor at the highest threshold, and the largest precision and
    recall are elsewhere. With ``tie`` three points have the largest F1, and the best of them lies between the others.
    """
    thresholds = sorted(float(number) / 64 for number in rng.choice(range(5, 63), 6, replace=False))
    f1s = [float(number) / 10 + 0.151 for number in rng.permutation(5)]
    f1s.insert(int(rng.integers(2, 5)), 0.751)
    best = f1s.index(0.751)
    order = [(best + step) % 6 for step in (1, 3, 0, 2, 4, 5)]
    if tie:
        f1s = [0.751, 0.351, 0.451, 0.751, 0.751, 0.551]
        best, order = 4, [5, 0, 4, 3, 1, 2]
    made = [[threshold, 0.02, 0.03, f1] for threshold, f1 in zip(thresholds, f1s, strict=True)]
    made[order[0]][1], made[order[-1]][2] = 0.97, 0.96
    return [tuple(made[i]) for i in order], thresholds[best]
