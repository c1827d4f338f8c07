"""Draw a story as the screenshot of a window: chrome, theme, rows of text, light noise."""

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from PIL import Image, ImageColor, ImageDraw, ImageFont

from desk.sampling.stories import Row, Story

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

MARGIN = 36
LINE = 1.55
"""Line height as a multiple of the font size."""

TITLE_BAR = 44
SPECKS = 600
"""Pixels of noise in one picture."""

SPECK_DEPTH = 40
"""How far a speck differs from the page, of 255."""


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a window."""

    desktop: str
    chrome: str
    page: str
    ink: str
    faint: str
    accent: str


THEMES = (
    Theme("#7f9bb3", "#e4e4e6", "#ffffff", "#1d1d1f", "#4c4c50", "#1763c7"),
    Theme("#2b3040", "#3a3f4b", "#1e2127", "#e6e6e6", "#b4bac6", "#63b3ff"),
    Theme("#b09f86", "#e9dfcc", "#fbf5e6", "#3b2f1e", "#5f4f38", "#a3470f"),
    Theme("#356a62", "#d3e4e0", "#f4fbf9", "#10302b", "#3c5a54", "#0c7a5f"),
    Theme("#101014", "#26262b", "#000000", "#f5f5f5", "#c8c8c8", "#ffb347"),
    Theme("#9a8fb8", "#e6e1f2", "#fdfcff", "#231a3a", "#4a4263", "#6a2fc2"),
)


class Canvas:
    """One window being drawn from top to bottom."""

    def __init__(self, story: Story, random: Random) -> None:
        self.theme = random.choice(THEMES)
        self.size = random.choice((19, 20, 22))
        self.width = random.choice((860, 920, 1000))
        self.left = MARGIN + random.randrange(0, 18)
        height = TITLE_BAR + 2 * MARGIN + sum(self._height(row) for row in story.rows)
        self.image = Image.new("RGB", (self.width, int(height) + 2 * MARGIN), self.theme.desktop)
        self.pen = ImageDraw.Draw(self.image)
        self.top = float(MARGIN // 2)
        self._window(story.title)

    def font(self, scale: float = 1.0) -> "FreeTypeFont | ImageFont.ImageFont":
        """Return the font that ships with Pillow, so that every machine draws the same."""
        return ImageFont.load_default(size=self.size * scale)

    def draw(self, row: Row) -> None:
        """Draw one row and go down by its height."""
        draw = {
            "heading": self._heading,
            "pair": self._pair,
            "bubble": self._bubble,
            "bar": self._bar,
            "button": self._button,
        }.get(row.kind, self._text)
        draw(row)
        self.top += self._height(row)

    def _height(self, row: Row) -> float:
        scale = {"heading": 1.9, "bubble": 1.6, "button": 1.8}.get(row.kind, 1.0)
        return self.size * LINE * scale

    def _window(self, title: str) -> None:
        edge = MARGIN // 2
        right, bottom = self.width - edge, self.image.height - edge
        self.pen.rectangle((edge, edge, right, bottom), fill=self.theme.page)
        self.pen.rectangle((edge, edge, right, edge + TITLE_BAR), fill=self.theme.chrome)
        for place, colour in enumerate(("#ec6a5e", "#f4bf4f", "#61c554")):
            across = edge + 16 + 22 * place
            self.pen.ellipse((across, edge + 15, across + 13, edge + 28), fill=colour)
        ink = self.theme.ink
        self.pen.text((self.width / 2, edge + 22), title, fill=ink, font=self.font(), anchor="mm")
        self.top = edge + TITLE_BAR + MARGIN // 2

    def _heading(self, row: Row) -> None:
        self._write(self.left, row.text, self.theme.accent, 1.45)

    def _text(self, row: Row) -> None:
        self._write(self.left, row.text, self.theme.ink)

    def _pair(self, row: Row) -> None:
        self._write(self.left, row.text, self.theme.faint)
        self._write(self.left + self.width * 0.42, row.value, self.theme.ink)

    def _bubble(self, row: Row) -> None:
        mine = row.value == "me"
        length = self.font().getlength(row.text)
        left = self.width - self.left - length - 20 if mine else self.left
        box = (left - 12, self.top - 8, left + length + 12, self.top + self.size * 1.5)
        self.pen.rounded_rectangle(box, radius=12, fill=self.theme.chrome)
        self._write(left, row.text, self.theme.ink)

    def _bar(self, row: Row) -> None:
        start = self.left + self.width * 0.22
        share = int(row.value) / 100
        end = start + max(8, self.width * 0.5 * share)
        self._write(self.left, row.text, self.theme.ink)
        self.pen.rectangle((start, self.top, end, self.top + self.size), fill=self.theme.accent)
        self._write(end + 10, row.value, self.theme.ink)

    def _button(self, row: Row) -> None:
        length = self.font().getlength(row.text)
        box = (self.left, self.top, self.left + length + 36, self.top + self.size * 1.9)
        self.pen.rounded_rectangle(box, radius=8, outline=self.theme.accent, width=2)
        self.top += self.size * 0.4
        self._write(self.left + 18, row.text, self.theme.accent)
        self.top -= self.size * 0.4

    def _write(self, across: float, text: str, colour: str, scale: float = 1.0) -> None:
        self.pen.text((across, self.top), text, fill=colour, font=self.font(scale))


def draw_screen(story: Story, path: Path, random: Random) -> None:
    """Save the screenshot of a story as a PNG file."""
    canvas = Canvas(story, random)
    for row in story.rows:
        canvas.draw(row)
    for _ in range(SPECKS):
        place = (random.randrange(canvas.image.width), random.randrange(canvas.image.height))
        shift = random.choice((-SPECK_DEPTH, SPECK_DEPTH))
        colour = ImageColor.getrgb(canvas.theme.page)
        canvas.image.putpixel(place, tuple(max(0, min(255, part + shift)) for part in colour))
    canvas.image.save(path, format="PNG")


def draw_photo(path: Path, random: Random) -> None:
    """Save a picture without any text: a landscape of hills under a sky."""
    width, height = 800, 600
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    sky = Image.new("RGB", (width, height), random.choice(("#88b6e8", "#e8b088", "#b2a4e0")))
    image = Image.blend(image, sky, 0.75)
    pen = ImageDraw.Draw(image)
    for hill in range(4):
        middle, radius = random.randrange(width), random.randrange(260, 520)
        base = height - 40 + 60 * hill
        shade = (40 + 18 * hill, 90 + random.randrange(60), 50 + 10 * hill)
        pen.ellipse(
            (middle - radius, base - radius // 2, middle + radius, base + radius), fill=shade
        )
    image.save(path, format="JPEG", quality=85)
