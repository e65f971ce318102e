"""Reads when something was handed in, or may be handed in until: a time that can't be told for sure is none.

nbgrader reads stamps with ``parse_utc``, which takes no notice of abbreviations such as CEST, although its own exchange
writes them, and which turns 04.05.2026 into the fifth of April.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache, lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from dateutil import parser
from dateutil.tz import datetime_ambiguous, datetime_exists, gettz
from traitlets.config import Config

from nbseal.course import Grading
from nbseal.errors import CourseError
from nbseal.files import read_regular, write_file
from nbseal.text import one_line

TIMESTAMP_FILE = "timestamp.txt"
TIMESTAMP_LIMIT, SHOWN = 200, 60  # characters
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LEAD = timedelta(days=2)  # by which a student's clock may be wrong
DEFAULTS = datetime(2001, 1, 1), datetime(2002, 2, 2)
YEARS = range(1999, 2101)
AROUND = " \t\r\n\v\f\x00\ufeff"  # what editors and shells leave around a text
NUMBERS = re.compile(
    r"(\d{4})([-/])(\d\d?)\2(\d\d?)(?:[Tt]|\s+)(\d\d?):(\d\d?)(?::(\d\d?)(?:[.,](\d{1,9}))?)?\s*(.*)", re.ASCII
)
RUN_TOGETHER = re.compile(r"(\d{4})()(\d\d)(\d\d)T(\d\d)(\d\d)(?:(\d\d)(?:[.,](\d{1,9}))?)?\s*(.*)", re.ASCII)
MONTH = re.compile(r"\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b", re.ASCII | re.IGNORECASE)
YEAR = re.compile(r"(?<![-+:\d])(\d{4})(?![:\d])", re.ASCII)
OFFSET = re.compile(r"(?:(?:UTC|GMT)([-+])(\d\d?)|([-+])(\d\d))(?::?(\d\d))?", re.ASCII | re.IGNORECASE)
WESTMOST, EASTMOST = timedelta(hours=-12), timedelta(hours=14)
NO_ZONES = {"localtime", "Factory"}  # the machine's own, and one that stands for none
# Arabia, Bangladesh, Singapore: in use there as abbreviations, though the IANA database writes those times as numbers.
SEASONS = (1, 7)  # months of which one is in summer time, wherever there is any
SHARED = {"AST", "BST", "SST"}


@dataclass(frozen=True)
class Zones:
    """``course`` says what an abbreviation means, and ``unnamed`` what a stamp means that names no zone at all."""

    course: tzinfo = UTC
    unnamed: tzinfo = UTC


@dataclass(frozen=True)
class Stamp:
    """A moment in UTC; or None, and the ``problem``: what stands there, and why nobody can tell.

    ``decided`` says who decided the moment, if it was a person.
    """

    moment: datetime | None
    problem: str | None = None
    decided: str = ""


class Unclear(Exception):
    """A time can't be told for sure; the text says why."""


def zones_of(config: Config) -> Zones:
    """The time zones that a course's settings name; CourseError if there is no such zone.

    Stamps without a zone are UTC, as nbgrader has them, unless ``c.Grading.timezone`` names another one, or
    nbgrader's exchange was told to write its own zone's time without saying so.
    """
    exchange = config.get("Exchange", {})
    own = str(Grading(config=config).timezone)
    name = own or str(exchange.get("timezone", "UTC"))
    course = _zone(name) or gettz(name)
    if course is None:
        setting = f"c.{'Grading' if own else 'Exchange'}.timezone"
        raise CourseError(f"{setting} = {name!r} is not a time zone: write one such as 'Europe/Berlin' or 'UTC'.")
    zoneless = "%z" not in str(exchange.get("timestamp_format", "%Z")).lower()
    return Zones(course, course if own or zoneless else UTC)


def decoded(content: bytes) -> str:
    """The text of a file, in UTF-8 or in what Windows calls Unicode."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    return content.decode("utf-8-sig", "replace")


def stamp_in(folder: Path, zones: Zones) -> Stamp | None:
    """The time in a submission's timestamp.txt; None if it has no such file."""
    try:
        content = read_regular(folder / TIMESTAMP_FILE, 5 * TIMESTAMP_LIMIT)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return Stamp(None, f"{TIMESTAMP_FILE} can't be read ({error.strerror})")
    if content is None:
        return Stamp(None, f"{TIMESTAMP_FILE} is a link or the like, and no file")
    return read_stamp(decoded(content), zones)


def read_stamp(text: str, zones: Zones, now: datetime | None = None) -> Stamp:
    """When something was handed in, by the text of its timestamp.txt."""
    now = now or datetime.now(UTC)
    try:
        moment = _moment(text, zones)
        if moment < EARLIEST:
            raise Unclear("that is before the year 2000")
        if moment > now + LEAD:
            raise Unclear("that is still to come")
    except Unclear as error:
        said = f"says {quoted(text)}: {error}" if text.strip(AROUND) else "is empty"
        return Stamp(None, f"{TIMESTAMP_FILE} {said}")
    return Stamp(moment)


def read_date(text: str, zone: tzinfo) -> Stamp:
    """Until when something may be handed in: in ``zone`` where none is named, to the day's end if there is no time."""
    whole_day = re.fullmatch(r"\d{4}-\d\d?-\d\d?", text, re.ASCII)
    try:
        return Stamp(_moment(f"{text} 23:59:59" if whole_day else text, Zones(zone, zone)))
    except Unclear as error:
        return Stamp(None, f"{quoted(text)}: {error}" if text else "the date is missing")


def quoted(text: str) -> str:
    """The beginning of a text, as it may be shown."""
    text = text.strip(AROUND)
    shown = one_line(text[:SHOWN])
    return f'"{shown}…"' if len(text) > SHOWN else f'"{shown}"'


def naive(moment: datetime | None) -> datetime | None:
    """A moment as nbgrader keeps it: UTC that doesn't say so."""
    return moment and moment.astimezone(UTC).replace(tzinfo=None)


def for_nbgrader(content: bytes, moment: datetime) -> bytes:
    """A timestamp.txt in which nbgrader reads ``moment``: with ``content`` itself, if it is like that."""
    own = moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    text = content.decode("utf-8", "replace").strip().removesuffix(" UTC")
    return content if len(text) >= len("2000-01-01 00:00:00") and own.startswith(text) else f"{own} UTC\n".encode()


def write_stamp(folder: Path, stamp: Stamp | None, mode: int) -> None:
    """Have the timestamp in an autograded ``folder`` say what was read, for nbgrader to read; or nothing at all."""
    path = folder / TIMESTAMP_FILE
    if stamp is None or not folder.is_dir():
        return
    content = path.read_bytes() if path.is_file() else b""
    if stamp.moment is None:
        path.unlink(missing_ok=True)
    elif (wanted := for_nbgrader(content, stamp.moment)) != content:
        write_file(path, wanted, mode)


def _moment(text: str, zones: Zones) -> datetime:
    if len(text) > TIMESTAMP_LIMIT:
        raise Unclear("nobody writes a time at such length")
    text = text.strip(AROUND)
    local, zone = _by_numbers(text) or _in_words(text)
    if local.year not in YEARS:
        raise Unclear(f"the year {local.year} is far away")
    if not zone:
        return _in_zone(local, zones.unnamed)
    if zone.upper() in ("UTC", "GMT", "Z"):
        return local.replace(tzinfo=UTC)
    if found := OFFSET.fullmatch(zone):
        return local.replace(tzinfo=_offset(found)).astimezone(UTC)
    named = _zone(zone)
    if named and "/" in zone:
        return _in_zone(local, named)
    return _by_abbreviation(local, zone, zones.course, named)


def _by_numbers(text: str) -> tuple[datetime, str] | None:
    """Year, month and day in this order, and what follows the time; None if the text is of another form."""
    found = NUMBERS.fullmatch(text) or RUN_TOGETHER.fullmatch(text)
    if not found:
        return None
    year, _, month, day, hour, minute, second, fraction, zone = found.groups()
    micro = int((fraction or "")[:6].ljust(6, "0"))
    try:
        return datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0), micro), zone
    except ValueError as error:
        raise Unclear(f"there is no such day or time ({error})") from None


def _in_words(text: str) -> tuple[datetime, str]:
    """A date whose month is an English word, so that day and year can't be taken for each other."""
    year = YEAR.search(text)
    if not (MONTH.search(text) and year and ":" in text):
        raise Unclear("a date is read only as year-month-day with a time, or with the month's name")
    zones: list[str] = []

    def note(name: str | None, offset: int | None) -> None:
        east = None if offset is None else timezone(timedelta(seconds=offset))
        zones.append(str(east) if east else name or "")

    try:
        # What is missing is taken from the default, so two defaults show whether anything is.
        readings = {parser.parse(text, default=default, tzinfos=note) for default in DEFAULTS}
    except (ValueError, OverflowError, TypeError, ArithmeticError, LookupError):
        readings = set()
    if len(readings) != 1 or next(iter(readings)).year != int(year[1]):
        raise Unclear("that is not a complete date with a time")
    return readings.pop(), zones[0]


def _offset(found: re.Match[str]) -> timezone:
    sign, hours, bare_sign, bare_hours, minutes = found.groups()
    east = timedelta(hours=int(hours or bare_hours), minutes=int(minutes or 0))
    east = -east if "-" in (sign, bare_sign) else east
    if not WESTMOST <= east <= EASTMOST or int(minutes or 0) > 59:
        raise Unclear(f"no place is {found[0]} from UTC")
    return timezone(east)


def _zone(name: str) -> tzinfo | None:
    """A zone of the IANA database by its name."""
    if name == "UTC":
        return UTC
    return ZoneInfo(name) if name in _names() else None


@cache
def _names() -> set[str]:
    return available_timezones() - NO_ZONES


def _in_zone(local: datetime, zone: tzinfo) -> datetime:
    """The moment at which clocks in ``zone`` show ``local``."""
    if not datetime_exists(local, zone):
        raise Unclear(f"clocks in {zone} were put forward and never showed that")
    if datetime_ambiguous(local, zone):
        raise Unclear(f"clocks in {zone} were put back and showed that twice")
    return local.replace(tzinfo=zone).astimezone(UTC)


def _by_abbreviation(local: datetime, name: str, course: tzinfo, named: tzinfo | None) -> datetime:
    """The moment that ``local`` is in a zone's abbreviation: the course's own, or one that is the same everywhere.

    Some abbreviations are names of zones as well (EST, CET), ``named``: then both must say the same.
    """
    own = [one for one in _sides(local, course) if one.tzname() == name]
    if own and datetime_exists(local, course):
        return own[0].astimezone(UTC)
    if name in {local.replace(month=month, day=1, tzinfo=course).tzname() for month in SEASONS}:
        raise Unclear(f"clocks in {course} didn't show {name} then")
    day = datetime(local.year, local.month, local.day)
    in_force = _offsets(day).get(name, set()) | _offsets(day.replace(hour=23, minute=59)).get(name, set())
    offsets = set(in_force)
    # Those of the other season count, too: who writes PST in May may mean Los Angeles, though only Manila uses it then.
    for month in SEASONS:
        offsets |= _offsets(datetime(local.year, month, 1)).get(name, set())
    if named and not offsets:
        return _in_zone(local, named)
    if named:
        sides = _sides(local, named)
        alike = [one for one in sides if one.tzname() == name] or sides
        offsets |= {one.utcoffset() or timedelta() for one in alike}
    if not offsets:
        raise Unclear(f"{quoted(name)} is not a time zone that nbseal knows")
    if len(offsets) > 1 or name in SHARED:
        raise Unclear(
            f"{name} means different times in different places, and clocks in {course} never show it "
            "(c.Grading.timezone names the course's zone)"
        )
    if not in_force and not named:
        raise Unclear(f"{name} is in use nowhere on that day")
    (east,) = offsets
    return (local - east).replace(tzinfo=UTC)


def _sides(local: datetime, zone: tzinfo) -> list[datetime]:
    """A local time before and after clocks are put back; mostly twice the same."""
    return [local.replace(tzinfo=zone, fold=fold) for fold in (0, 1)]


@lru_cache(maxsize=64)
def _offsets(local: datetime) -> dict[str, set[timedelta]]:
    """The offsets from UTC that stand behind each abbreviation, anywhere, when clocks there show ``local``."""
    found: dict[str, set[timedelta]] = {}
    for name in _names():
        there = local.replace(tzinfo=ZoneInfo(name))
        found.setdefault(str(there.tzname()), set()).add(there.utcoffset() or timedelta())
    return found
