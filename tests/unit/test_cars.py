"""The cars of 07-cars are made by rules, and are those of the published data set."""

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from tests.samples import ROOT

FOLDER = Path(os.environ.get("SCIKIT_LEARN_DATA", "nowhere"))
needs_file = pytest.mark.skipif(
    not (FOLDER / "car.data").exists(), reason="there is no car.data in the folder that SCIKIT_LEARN_DATA names"
)
needs_openml = pytest.mark.skipif(
    not list(FOLDER.glob("openml/openml.org/**/40975*")), reason="OpenML's car isn't in scikit-learn's folder of data"
)


def load(path: Path) -> ModuleType:
    """A module of the course."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CARS = load(ROOT / "source" / "07-cars" / "cars.py")


def test_every_car_is_there_once_and_the_classes_have_their_sizes() -> None:
    """The data set is the full product of six attributes; its four classes have the published sizes."""
    rows, labels = CARS.make()
    assert len(rows) == len(set(map(tuple, rows))) == 1728
    assert [labels.count(name) for name in CARS.CLASSES] == [1210, 384, 69, 65]


@needs_file
def test_the_cars_are_those_of_the_published_file() -> None:
    """Row by row, the rules give what the published file says."""
    lines = (FOLDER / "car.data").read_text(encoding="utf-8").split()
    rows, labels = CARS.make()
    assert [",".join([*row, label]) for row, label in zip(rows, labels, strict=True)] == lines


@needs_openml
def test_the_cars_are_those_of_openml() -> None:
    """OpenML has the same cars with the same classes."""
    assert sorted(zip(*CARS.from_openml(), strict=True)) == sorted(zip(*CARS.make(), strict=True))


def test_what_openml_sends_becomes_two_lists_of_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of categories, whose columns stand in any order, becomes rows in our order of attributes."""
    import sklearn.datasets  # for this test alone: loading it takes more than a second
    from sklearn.utils import Bunch

    rows, labels = CARS.make()
    table = pd.DataFrame(rows, columns=[*CARS.LEVELS], dtype="category")[[*reversed(CARS.LEVELS)]]
    answer = Bunch(data=table, target=pd.Series(labels, dtype="category"))
    monkeypatch.setattr(sklearn.datasets, "fetch_openml", lambda **_: answer)
    assert CARS.from_openml() == (rows, labels)


def test_the_grader_has_the_same_rules() -> None:
    """The grader's own tables give the same cars in the notebook's encoding, and the same classes."""
    rows, labels = CARS.make()
    levels = CARS.LEVELS.values()
    ours = [[value == level for value, some in zip(row, levels, strict=True) for level in some] for row in rows]
    encoded, classes = load(ROOT / "graders" / "car_rules.py").make()
    assert np.array_equal(encoded, ours)
    assert classes.tolist() == labels
