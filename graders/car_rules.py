"""All cars as rows of 21 zeros and ones, and their classes: the rules of source/07-cars/cars.py as tables.

Hidden tests don't trust what lies beside a submission, so they have the rules a second time; a test compares both.
"""

from itertools import product

import numpy as np

CLASSES = ("unacc", "acc", "good", "vgood")
SIZES = (4, 4, 4, 3, 3, 3)  # levels of buying, maint, doors, persons, lug_boot and safety
PRICE = ("0011", "0111", "1123", "1233")  # a row for each buying price, from very high to low, a column for each upkeep
COMFORT = ("000112012", "000112122", "000122122", "000122122")  # a row for each number of doors; persons × lug_boot
TECHNIQUE = ("000", "012", "023")  # comfort × safety
VERDICT = ("0000", "0011", "0113", "0123")  # price × technique


def make():
    """Return the encoded cars, an array (1728, 21) of whole numbers, and their classes, an array of texts."""
    cars = np.array(list(product(*map(range, SIZES))))
    encoded = np.concatenate([np.eye(size, dtype=int)[column] for size, column in zip(SIZES, cars.T, strict=True)], 1)
    return encoded, np.array([CLASSES[_verdict(*car)] for car in cars.tolist()])


def _verdict(buying, maint, doors, persons, luggage, safety):
    comfort = int(COMFORT[doors][3 * persons + luggage])
    return int(VERDICT[int(PRICE[buying][maint])][int(TECHNIQUE[comfort][safety])])
