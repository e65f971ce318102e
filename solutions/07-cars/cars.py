"""1,728 cars and what an expert system thinks of them, made anew from the rules by which they were made.

The data set *Car Evaluation* (M. Bohanec, B. Zupan, 1997, https://doi.org/10.24432/C5JP48; OpenML: 40975) is no
collection of real cars: it has every combination of six attributes once, and its labels come from a small hierarchy of
rules (M. Bohanec and V. Rajkovič, *Expert system for decision making*, Sistemica 1, 1990):

    car ── price ── buying, maint
        └─ technique ── comfort ── doors, persons, lug_boot
                     └─ safety

``make()`` follows these rules and needs neither a file nor a network. ``from_openml()`` downloads the data set itself.
"""

from itertools import product

LEVELS = {
    "buying": ("vhigh", "high", "med", "low"),
    "maint": ("vhigh", "high", "med", "low"),
    "doors": ("2", "3", "4", "5more"),
    "persons": ("2", "4", "more"),
    "lug_boot": ("small", "med", "big"),
    "safety": ("low", "med", "high"),
}
CLASSES = ("unacc", "acc", "good", "vgood")
# a class for each price (rows: far too high, high, moderate, low) and technique (columns: bad to excellent)
VERDICTS = (
    ("unacc", "unacc", "unacc", "unacc"),
    ("unacc", "unacc", "acc", "acc"),
    ("unacc", "acc", "acc", "vgood"),
    ("unacc", "acc", "good", "vgood"),
)


def make():
    """Return the cars, a list of 1,728 lists of six texts, and their classes, a list of texts."""
    cars = [list(car) for car in product(*LEVELS.values())]
    return cars, [verdict(*car) for car in cars]


def verdict(buying, maint, doors, persons, lug_boot, safety):
    """Return the class of one car."""
    return VERDICTS[price(buying, maint)][technique(comfort(doors, persons, lug_boot), safety)]


def price(buying, maint):
    """Return 0 (far too high) to 3 (low)."""
    bought, kept = LEVELS["buying"].index(buying), LEVELS["maint"].index(maint)  # 0 is very high, 3 is low
    if bought + kept <= 1:
        return 0
    if bought <= 1 or kept == 0 or (bought, kept) == (2, 1):
        return 1
    return 2 if bought + kept == 4 else 3


def comfort(doors, persons, lug_boot):
    """Return 0 (none), 1 or 2 (good)."""
    if persons == "2" or (doors, persons, lug_boot) == ("2", "more", "small"):
        return 0
    if lug_boot == "med":
        enough = ("4", "5more") if persons == "4" else ("3", "4", "5more")
        return 2 if doors in enough else 1
    return 2 if lug_boot == "big" else 1


def technique(comfort, safety):
    """Return 0 (bad) to 3 (excellent)."""
    if comfort == 0 or safety == "low":
        return 0
    return comfort if safety == "med" else comfort + 1


def from_openml():
    """Return the same cars as OpenML has them, in its order; this needs a network once, or scikit-learn's folder."""
    from sklearn.datasets import fetch_openml

    table = fetch_openml(data_id=40975, as_frame=True)
    return table.data[list(LEVELS)].astype(str).to_numpy().tolist(), table.target.astype(str).tolist()
