"""Draws the five small pictures of source/09-cloud/photos: ``python docs/draw_vision_photos.py``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw

TARGET = Path(__file__).parents[1] / "source" / "09-cloud" / "photos"
SIZE = 320, 240
Pen = ImageDraw.ImageDraw


def person(pen: Pen, left: int, top: int, shirt: str) -> None:
    """Someone 22 wide and 70 high."""
    pen.ellipse((left + 5, top, left + 17, top + 13), "#c98d63")
    pen.rectangle((left + 3, top + 14, left + 19, top + 42), shirt)
    pen.rectangle((left + 4, top + 43, left + 9, top + 70), "#2b3a55")
    pen.rectangle((left + 13, top + 43, left + 18, top + 70), "#2b3a55")


def tree(pen: Pen, left: int, top: int, width: int, height: int) -> None:
    """A trunk below a round crown."""
    middle = left + width // 2
    pen.rectangle((middle - 6, top + height // 2, middle + 6, top + height), "#7a5230")
    pen.ellipse((left, top, left + width, top + height * 2 // 3), "#3f7d3a")


def street(pen: Pen) -> None:
    """A house, a tree, a traffic light, a car that the left edge cuts, a bicycle and two people."""
    pen.rectangle((0, 0, 320, 240), "#a9d3ee")
    pen.rectangle((0, 165, 320, 240), "#6b6e73")
    for left in range(10, 320, 60):
        pen.rectangle((left, 212, left + 30, 216), "#f2f2f2")
    pen.rectangle((0, 0, 112, 165), "#b9785a")
    for top in (18, 66, 114):
        for left in (14, 64):
            pen.rectangle((left, top, left + 30, top + 30), "#dff0f7", "#6d4331")
    tree(pen, 232, 40, 80, 126)
    pen.rectangle((196, 92, 200, 166), "#444444")
    pen.rectangle((190, 52, 207, 94), "#222222")
    for top, colour in ((55, "#d8342c"), (68, "#7a6a1f"), (81, "#1f5f33")):
        pen.ellipse((193, top, 203, top + 10), colour)
    pen.polygon([(0, 150), (52, 150), (70, 172), (96, 176), (96, 200), (0, 200)], "#c0392b")
    pen.polygon([(6, 154), (46, 154), (60, 172), (6, 172)], "#cfe8f5")
    pen.ellipse((64, 188, 88, 212), "#1e1e1e")
    pen.ellipse((4, 188, 28, 212), "#1e1e1e")
    for left in (134, 186):
        pen.ellipse((left, 172, left + 38, 210), outline="#151515", width=3)
    pen.line([(153, 191), (168, 168), (196, 168), (176, 191), (153, 191)], "#1f4fa3", 3)
    pen.line([(196, 162), (205, 191)], "#1f4fa3", 3)
    person(pen, 262, 132, "#e0b030")
    person(pen, 288, 128, "#7d3fa0")


def kitchen(pen: Pen) -> None:
    """A refrigerator at the right edge, a window, a table with a bowl of apples and a kettle, two chairs."""
    pen.rectangle((0, 0, 320, 240), "#efe3c8")
    pen.rectangle((0, 190, 320, 240), "#b98d5f")
    pen.rectangle((40, 24, 128, 92), "#bfe0f2", "#ffffff", 5)
    pen.line([(84, 24), (84, 92)], "#ffffff", 4)
    pen.rectangle((238, 40, 320, 206), "#dfe4e8", "#9aa3ab", 2)
    pen.line([(238, 104), (320, 104)], "#9aa3ab", 3)
    pen.rectangle((246, 70, 250, 96), "#6f7880")
    pen.rectangle((58, 146, 206, 156), "#8a5a34")
    for left in (66, 190):
        pen.rectangle((left, 156, left + 8, 214), "#8a5a34")
    for left, back in ((24, 24), (206, 228)):
        pen.rectangle((left, 178, left + 28, 184), "#5a7f4a")
        pen.rectangle((back, 132, back + 5, 180), "#5a7f4a")
        pen.rectangle((left + 2, 184, left + 6, 218), "#5a7f4a")
        pen.rectangle((left + 22, 184, left + 26, 218), "#5a7f4a")
    for left in (100, 114, 128):
        pen.ellipse((left, 116, left + 17, 133), "#cc2f2f")
    pen.pieslice((94, 104, 152, 148), 0, 180, "#3b6ea8")
    pen.polygon([(166, 146), (170, 118), (190, 118), (194, 146)], "#8f979e")
    pen.arc((170, 104, 190, 130), 180, 360, "#333333", 4)


def garden(pen: Pen) -> None:
    """A dog on the grass before a fence, an apple tree, a bench, flowers and a bird in the top left corner."""
    pen.rectangle((0, 0, 320, 240), "#b7def0")
    pen.rectangle((0, 130, 320, 240), "#77b255")
    for left in range(0, 320, 20):
        pen.rectangle((left, 92, left + 12, 140), "#f4ead6")
    pen.rectangle((0, 108, 320, 114), "#e6d7b8")
    tree(pen, 214, 14, 100, 156)
    for left, top in ((240, 40), (272, 34), (256, 74), (288, 66)):
        pen.ellipse((left, top, left + 9, top + 9), "#cc2f2f")
    pen.polygon([(0, 6), (20, 12), (30, 0), (38, 12), (44, 18), (22, 24)], "#3a3a48")
    pen.rectangle((24, 150, 108, 156), "#8a5a34")
    pen.rectangle((24, 128, 108, 136), "#8a5a34")
    for left in (28, 98):
        pen.rectangle((left, 128, left + 5, 178), "#6b4526")
    pen.ellipse((142, 164, 196, 192), "#a8723f")
    pen.ellipse((186, 148, 210, 172), "#a8723f")
    pen.polygon([(190, 150), (186, 166), (194, 162)], "#6b4526")
    for left in (148, 158, 178, 188):
        pen.rectangle((left, 186, left + 5, 208), "#a8723f")
    pen.line([(144, 172), (132, 156)], "#a8723f", 4)
    for left, colour in ((30, "#d94f8a"), (54, "#f0c330"), (78, "#d94f8a"), (102, "#f0c330")):
        pen.line([(left, 206), (left, 230)], "#2f6b2a", 3)
        pen.ellipse((left - 8, 196, left + 8, 212), colour)


def desk(pen: Pen) -> None:
    """A laptop, a cup, two books, a lamp, a plant in a pot and a telephone on a desk."""
    pen.rectangle((0, 0, 320, 240), "#dcdfe6")
    pen.rectangle((0, 160, 320, 240), "#a9784b")
    pen.rectangle((104, 70, 214, 146), "#2c2f36", "#8b9099", 3)
    pen.rectangle((111, 77, 207, 139), "#6fb3d9")
    pen.polygon([(94, 164), (224, 164), (212, 148), (106, 148)], "#8b9099")
    pen.rectangle((240, 136, 268, 170), "#d9534f")
    pen.arc((260, 142, 280, 162), 270, 90, "#d9534f", 5)
    pen.rectangle((6, 178, 80, 190), "#35608f")
    pen.rectangle((12, 166, 84, 178), "#8f3560")
    pen.rectangle((36, 90, 41, 166), "#444444")
    pen.polygon([(14, 92), (64, 92), (50, 58), (28, 58)], "#e3b23c")
    pen.rectangle((282, 120, 312, 152), "#b5653b")
    for tip in ((276, 84), (296, 70), (314, 86)):
        pen.line([(297, 120), tip], "#3f7d3a", 7)
    pen.rectangle((150, 186, 172, 224), "#1b1b1f")
    pen.rectangle((153, 190, 169, 216), "#5d7f9e")


def empty(pen: Pen) -> None:
    """A wall, and nothing else."""
    pen.rectangle((0, 0, 320, 240), "#8f9296")


def draw(scene: Callable[[Pen], None]) -> Image.Image:
    """The picture of one scene, in few enough colours for a small file."""
    image = Image.new("RGB", SIZE)
    scene(ImageDraw.Draw(image))
    return image.quantize(64)


if __name__ == "__main__":
    TARGET.mkdir(exist_ok=True)
    for scene in (street, kitchen, garden, desk, empty):
        draw(scene).save(TARGET / f"{scene.__name__}.png", optimize=True)
