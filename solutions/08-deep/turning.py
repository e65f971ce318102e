"""Turns pictures by a few degrees."""

import numpy as np


def turned(pictures, degrees):
    """Return pictures (n, rows, columns) turned clockwise about their middle; black comes in at the corners.

    A place between pixels gets the mix of the four around it.
    """
    pictures = np.asarray(pictures)
    n, rows, columns = pictures.shape
    down, right = np.mgrid[:rows, :columns] - np.array([(rows - 1) / 2, (columns - 1) / 2]).reshape(2, 1, 1)
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    x = (cos * right + sin * down + (columns - 1) / 2).ravel()
    y = (cos * down - sin * right + (rows - 1) / 2).ravel()
    flat, found = pictures.reshape(n, -1), np.zeros((n, rows * columns), np.float32)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    for column, across in ((left, 1 - (x - left)), (left + 1, x - left)):
        for row, along in ((top, 1 - (y - top)), (top + 1, y - top)):
            inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
            share = np.where(inside, across * along, 0).astype(np.float32)
            found += flat[:, np.where(inside, row * columns + column, 0)] * share
    return found.reshape(n, rows, columns)
