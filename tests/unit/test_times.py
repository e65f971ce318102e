"""What the text of a timestamp means, and when nobody can tell."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from nbgrader.utils import parse_utc
from traitlets.config import Config

from nbseal.errors import CourseError
from nbseal.gradebook.extensions import Extension
from nbseal.gradebook.lateness import timing_of
from nbseal.gradebook.times import (
    Stamp,
    Zones,
    decoded,
    for_nbgrader,
    naive,
    read_date,
    read_stamp,
    stamp_in,
    zones_of,
)

NOW = datetime(2026, 11, 29, tzinfo=UTC)
OWN_FORM = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?( UTC)?")  # as nbgrader and zip_collect write it
READ = {
    # stamp, and the right moment in UTC
    "2026-05-04 22:30:00 UTC": "2026-05-04 22:30:00",
    "2026-05-04 22:30:00.123456 UTC": "2026-05-04 22:30:00.123456",
    "2026-05-04 22:30:00,5 UTC": "2026-05-04 22:30:00.500000",
    "2026-05-04 22:30:00.123456789 UTC": "2026-05-04 22:30:00.123456",
    "2026-05-04 22:30:00": "2026-05-04 22:30:00",
    "2026-05-04 22:30": "2026-05-04 22:30:00",
    "2026-5-4 9:03:01 UTC": "2026-05-04 09:03:01",
    "2026/05/04 22:30:00 GMT": "2026-05-04 22:30:00",
    "2026-05-04T22:30:00Z": "2026-05-04 22:30:00",
    "2026-05-04t22:30:00z": "2026-05-04 22:30:00",
    "20260504T223000": "2026-05-04 22:30:00",
    "20260504T223000+0200": "2026-05-04 20:30:00",
    "2026-05-04T22:30:00+02:00": "2026-05-04 20:30:00",
    "2026-05-04 22:30:00 +0200": "2026-05-04 20:30:00",
    "2026-05-04 22:30:00 +02:00": "2026-05-04 20:30:00",
    "2026-05-04 22:30:00-03": "2026-05-05 01:30:00",
    "2026-05-04 22:30:00.000000 -03": "2026-05-05 01:30:00",
    "2026-05-04 22:30:00 +0545": "2026-05-04 16:45:00",
    "2026-05-04 22:30:00 -00:00": "2026-05-04 22:30:00",
    "2026-05-04 22:30:00 UTC+2": "2026-05-04 20:30:00",
    "2026-05-04 22:30:00 GMT-05:00": "2026-05-05 03:30:00",
    "2026-05-04 22:30:00 Europe/Berlin": "2026-05-04 20:30:00",
    "2026-05-04 22:30:00 America/Argentina/Buenos_Aires": "2026-05-05 01:30:00",
    "2026-05-04 22:30:00 Etc/GMT+2": "2026-05-05 00:30:00",
    "2026-05-04 22:30:00 Japan": "2026-05-04 13:30:00",
    "2026-05-04 22:30:00 EST5EDT": "2026-05-05 02:30:00",
    # abbreviations that mean the same wherever clocks show them
    "2026-05-04 22:30:00 CEST": "2026-05-04 20:30:00",
    "2026-05-04 15:30:00 PDT": "2026-05-04 22:30:00",
    "2026-05-04 22:30:00 EST": "2026-05-05 03:30:00",
    "2026-01-04 22:30:00 CET": "2026-01-04 21:30:00",
    "2026-10-25 02:30:00 CEST": "2026-10-25 00:30:00",
    "2026-10-25 02:30:00 CET": "2026-10-25 01:30:00",
    # dates in words
    "Mon, 04 May 2026 22:30:00 +0200": "2026-05-04 20:30:00",
    "Mon May  4 22:30:00 CEST 2026": "2026-05-04 20:30:00",
    "4 May 2026 22:30 UTC": "2026-05-04 22:30:00",
    "May 4, 2026 10:30 PM PDT": "2026-05-05 05:30:00",
    # what editors leave around a text
    "\ufeff2026-05-04 22:30:00 UTC": "2026-05-04 22:30:00",
    " \n2026-05-04 22:30:00 UTC\r\n\x00\x00": "2026-05-04 22:30:00",
    "2000-01-01 00:00:00 UTC": "2000-01-01 00:00:00",
    "2026-11-30 23:59:59 UTC": "2026-11-30 23:59:59",
}
UNCLEAR = {
    # stamp, and what is said about it
    "": "empty",
    " \x00\ufeff\n": "empty",
    "yesterday": "only as year-month-day",
    "1777926600": "only as year-month-day",
    "1777926600.5": "only as year-month-day",
    "04.05.2026 22:30": "only as year-month-day",
    "25.05.2026 22:30": "only as year-month-day",
    "04/05/2026 22:30 UTC": "only as year-month-day",
    "5/4/26 22:30": "only as year-month-day",
    "26-05-04 22:30:00 UTC": "only as year-month-day",
    "4 May 26 22:30 UTC": "only as year-month-day",
    "4 May 26 22:30 -2026": "only as year-month-day",
    "2026-05-04": "only as year-month-day",
    "22:30 UTC": "only as year-month-day",
    "2026-W19-1T22:00": "only as year-month-day",
    "2026-05-04 22:30:00 UTC\n2026-05-03 22:30:00 UTC": "only as year-month-day",
    "٢٠٢٦-05-04 22:30:00 UTC": "only as year-month-day",
    "May 2026 22:30 UTC": "not a complete date",
    "31 June 2026 22:30 UTC": "not a complete date",
    "4 May 2026 22:30 nowhere in particular": "not a complete date",
    "2026-13-04 22:30:00 UTC": "no such day or time",
    "2026-02-30 22:30:00 UTC": "no such day or time",
    "2026-05-04 24:00:00 UTC": "no such day or time",
    "2026-05-04 22:30:60 UTC": "no such day or time",
    "0000-05-04 22:30:00 UTC": "no such day or time",
    "2026-05-04 22:30:00 +15:00": "no place is",
    "2026-05-04 22:30:00 +02:75": "no place is",
    "2026-05-04 22:30:00 +5": "not a time zone that nbseal knows",
    "2026-05-04 22:30:00 XYZT": "not a time zone that nbseal knows",
    "2026-05-04 22:30:00 localtime": "not a time zone that nbseal knows",
    "2026-05-04 22:30:00 posix/Europe/Berlin": "not a time zone that nbseal knows",
    "2026-05-04 22:30:00 ../../../etc/passwd": "not a time zone that nbseal knows",
    "2026-05-04 10:30:00 PM": "not a time zone that nbseal knows",
    # abbreviations with several meanings: in Dublin, Jerusalem, Kolkata; in Chicago, Havana, Shanghai; …
    "2026-05-05 02:15:00 IST": "IST means different times",
    "2026-05-04 22:30:00 CST": "CST means different times",
    "2026-05-04 22:30:00 CDT": "CDT means different times",
    "2026-05-04 22:30:00 BST": "BST means different times",
    # in May only Manila shows PST, but who writes it may mean Los Angeles; CET may mean Algiers or Berlin
    "2026-05-04 22:30:00 PST": "PST means different times",
    "2026-05-04 22:30:00 CET": "CET means different times",
    "2026-01-04 22:30:00 EDT": "in use nowhere on that day",
    # clocks put forward and back
    "2026-03-29 02:30:00 Europe/Berlin": "never showed that",
    "2026-10-25 02:30:00 Europe/Berlin": "showed that twice",
    # far away
    "1999-12-31 23:59:59 UTC": "before the year 2000",
    "2000-01-01 00:00:00 +0100": "before the year 2000",
    "0001-01-01 00:00:00 +1400": "far away",
    "9999-12-31 23:59:59 -1200": "far away",
    "2026-12-01 00:00:01 UTC": "still to come",
    "2" * 300: "such length",
    "2026-05-04 22:30:00 UTC" + " " * 300: "such length",
}


@pytest.mark.parametrize(("text", "right"), READ.items(), ids=READ)
def test_what_is_sure_is_read(text: str, right: str) -> None:
    """Each kind of stamp that can mean one moment only is that moment."""
    assert read_stamp(text, Zones(), NOW) == Stamp(datetime.fromisoformat(right).replace(tzinfo=UTC))


@pytest.mark.parametrize(("text", "why"), UNCLEAR.items(), ids=[repr(text)[:50] for text in UNCLEAR])
def test_what_is_not_sure_is_none_and_says_why(text: str, why: str) -> None:
    """Whatever could mean two moments, or none, has no moment and a reason of one line."""
    stamp = read_stamp(text, Zones(), NOW)
    assert stamp.moment is None
    assert stamp.problem is not None
    assert why in stamp.problem
    assert stamp.problem.isprintable()
    assert len(stamp.problem) < 300


@pytest.mark.parametrize(
    ("text", "zone", "right"),
    [
        ("2026-05-05 02:15:00 IST", "Asia/Kolkata", "2026-05-04 20:45:00"),
        ("2026-05-05 02:15:00 IST", "Europe/Dublin", "2026-05-05 01:15:00"),
        ("2026-01-05 02:15:00 IST", "Asia/Jerusalem", "2026-01-05 00:15:00"),
        ("2026-05-04 22:30:00 BST", "Europe/London", "2026-05-04 21:30:00"),
        ("2026-05-04 22:30:00 CST", "Asia/Shanghai", "2026-05-04 14:30:00"),
        ("2026-01-04 22:30:00 PST", "America/Los_Angeles", "2026-01-05 06:30:00"),
        ("2026-05-04 22:30:00 PST", "America/Los_Angeles", "didn't show PST"),
        ("2026-05-04 22:30:00 CET", "Europe/Berlin", "didn't show CET"),
        ("2026-01-04 22:30:00 CEST", "Europe/Berlin", "didn't show CEST"),
        ("2026-03-29 02:30:00 CET", "Europe/Berlin", "didn't show CET"),
        ("2026-10-25 02:30:00 CEST", "Europe/Berlin", "2026-10-25 00:30:00"),
        ("2026-10-25 02:30:00 CET", "Europe/Berlin", "2026-10-25 01:30:00"),
        ("2026-05-04 15:30:00 PDT", "Europe/Berlin", "2026-05-04 22:30:00"),
        ("2026-05-05 02:15:00 IST", "Europe/Berlin", "IST means different times"),
    ],
)
def test_the_course_s_zone_says_what_an_abbreviation_means(text: str, zone: str, right: str) -> None:
    """If clocks of the course show an abbreviation it is theirs, on days on which they do."""
    stamp = read_stamp(text, Zones(ZoneInfo(zone)), NOW)
    if right[0] == "2":
        assert stamp == Stamp(datetime.fromisoformat(right).replace(tzinfo=UTC))
    else:
        assert stamp.moment is None
        assert right in str(stamp.problem)


@pytest.mark.parametrize(
    ("settings", "right"),
    [
        ({}, "2026-05-04 22:30:00"),
        ({"Exchange": {"timezone": "Europe/Berlin"}}, "2026-05-04 22:30:00"),
        ({"Grading": {"timezone": "Europe/Berlin"}}, "2026-05-04 20:30:00"),
        ({"Grading": {"timezone": "UTC"}, "Exchange": {"timezone": "Europe/Berlin"}}, "2026-05-04 22:30:00"),
        ({"Exchange": {"timezone": "Europe/Berlin", "timestamp_format": "%Y-%m-%d %H:%M"}}, "2026-05-04 20:30:00"),
        ({"Exchange": {"timezone": "Europe/Berlin", "timestamp_format": "%Y-%m-%d %H:%M %z"}}, "2026-05-04 22:30:00"),
    ],
)
def test_a_stamp_without_a_zone_is_utc_unless_settings_say_otherwise(settings: dict, right: str) -> None:
    """It is what nbgrader takes it for, or what the settings say that it was written as."""
    stamp = read_stamp("2026-05-04 22:30", zones_of(Config(settings)), NOW)
    assert stamp == Stamp(datetime.fromisoformat(right).replace(tzinfo=UTC))


def test_a_stamp_without_a_zone_in_a_gap_is_unclear() -> None:
    """Clocks that were put forward never showed that time."""
    zones = zones_of(Config({"Grading": {"timezone": "Europe/Berlin"}}))
    assert "never showed" in str(read_stamp("2026-03-29 02:30", zones, NOW).problem)
    assert "showed that twice" in str(read_stamp("2026-10-25 02:30", zones, NOW).problem)


def test_what_nbgrader_writes_in_a_zone_is_read_back() -> None:
    """Whatever zone the exchange is set to, its stamp means the moment at which it was written."""
    moment = datetime(2026, 5, 4, 20, 30, 0, 123456, tzinfo=UTC)
    for name in ("Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata", "Pacific/Guam", "Asia/Kathmandu", "UTC", "CET"):
        zones = zones_of(Config({"Exchange": {"timezone": name}}))
        text = moment.astimezone(ZoneInfo(name)).strftime("%Y-%m-%d %H:%M:%S.%f %Z")
        assert read_stamp(text, zones, NOW) == Stamp(moment), text


@pytest.mark.parametrize("section", ["Grading", "Exchange"])
def test_a_zone_that_does_not_exist_is_an_error(section: str) -> None:
    """The setting is named, with what to write."""
    with pytest.raises(CourseError, match=rf"c\.{section}\.timezone = 'Mars/Base' .*'Europe/Berlin'"):
        zones_of(Config({section: {"timezone": "Mars/Base"}}))


def test_the_zone_of_the_exchange_may_be_one_that_only_nbgrader_knows() -> None:
    """dateutil's own ways to name a zone count."""
    zones = zones_of(Config({"Exchange": {"timezone": "UTC+3"}}))
    assert datetime(2026, 5, 4, tzinfo=zones.course).utcoffset() == timedelta(hours=3)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_of_windows_are_read(tmp_path, encoding: str) -> None:
    """A byte order mark says how the text is stored."""
    (tmp_path / "timestamp.txt").write_text("2026-05-04 22:30:00 UTC\r\n", encoding=encoding)
    assert stamp_in(tmp_path, Zones()) == Stamp(datetime(2026, 5, 4, 22, 30, tzinfo=UTC))
    assert decoded(b"\xff\xfe2\x00") == "2"


def test_no_file_is_no_stamp_and_a_link_is_an_unclear_one(tmp_path) -> None:
    """Where there is none, nothing is said; what is no file isn't followed, and is named."""
    assert stamp_in(tmp_path, Zones()) is None
    assert stamp_in(tmp_path / "nowhere", Zones()) is None
    (tmp_path / "timestamp.txt").symlink_to("/etc/hostname")
    assert "is a link or the like" in str(stamp_in(tmp_path, Zones()))
    (tmp_path / "timestamp.txt").unlink()
    (tmp_path / "timestamp.txt").mkdir()
    assert "is a link or the like" in str(stamp_in(tmp_path, Zones()))


@pytest.mark.parametrize("text", [text for text, right in READ.items() if right > "2000-01-02"])
def test_nbgrader_reads_what_is_written_for_it(text: str) -> None:
    """Its own reader gets the right moment; a stamp of its own form stays as it is, byte for byte."""
    moment = read_stamp(text, Zones(), NOW).moment
    assert moment is not None
    written = for_nbgrader(text.encode(), moment)
    assert parse_utc(written.decode().strip()) == naive(moment)
    assert (written == text.encode()) == bool(OWN_FORM.fullmatch(text))


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("2026-05-11", "2026-05-11 21:59:59"),
        ("2026-05-11 23:00", "2026-05-11 21:00:00"),
        ("2026-05-11 23:00 UTC", "2026-05-11 23:00:00"),
        ("2126-05-11", "far away"),
        ("11.05.2026", "only as year-month-day"),
        ("", "missing"),
    ],
)
def test_a_date_for_handing_in_is_in_the_course_s_zone(text: str, right: str) -> None:
    """A day lasts to its end there; a time without a zone is the course's."""
    date = read_date(text, ZoneInfo("Europe/Berlin"))
    if right[0] == "2":
        assert date.moment == datetime.fromisoformat(right).replace(tzinfo=UTC)
    else:
        assert right in str(date.problem)


DUE = datetime(2026, 5, 4, 21)
ON_RECORD = datetime(2026, 5, 4, 23), timedelta(hours=1)


def line(until: datetime | None, problem: str | None = None) -> Extension:
    """A student's line in extensions.csv."""
    return Extension("ada", "mini", "the date", 2, until, problem)


@pytest.mark.parametrize(
    ("stamp", "extension", "before", "seconds", "recorded"),
    [
        (Stamp(datetime(2026, 5, 4, 22, tzinfo=UTC)), None, "", 0.0, (datetime(2026, 5, 4, 22), timedelta(hours=1))),
        (None, None, "", 3600.0, ON_RECORD),
        (Stamp(None, "unclear"), None, "", 0.0, (None, timedelta(hours=1))),
        (None, None, "a line that was there", 7200.0, (datetime(2026, 5, 4, 23), None)),
        (None, line(datetime(2026, 5, 4, 22, 30, tzinfo=UTC)), "", 1800.0, (ON_RECORD[0], timedelta(minutes=90))),
        (None, line(datetime(2026, 5, 5, tzinfo=timezone(timedelta(hours=2)))), "", 3600.0, ON_RECORD),
        (None, line(datetime(2026, 5, 4, 21, tzinfo=UTC)), "", 7200.0, (ON_RECORD[0], timedelta(0))),
        (None, line(datetime(2026, 5, 4, 20, tzinfo=UTC)), "", 0.0, ON_RECORD),
        (None, line(None, "no date"), "a line that was there", 0.0, ON_RECORD),
    ],
)
def test_lateness_is_what_stamp_extension_and_due_date_say(stamp, extension, before, seconds, recorded) -> None:
    """An unclear stamp leaves none on record, an unclear extension leaves it alone, and neither is late."""
    timing = timing_of(stamp, extension, DUE, before)
    assert timing.recorded(*ON_RECORD) == recorded
    assert timing.seconds_late(*recorded, DUE) == seconds
    assert bool(timing.problems) == (seconds == 0.0 and recorded != (datetime(2026, 5, 4, 22), timedelta(hours=1)))


def test_without_a_due_date_nothing_is_late_and_nothing_extended() -> None:
    """nbgrader can't bear an extension of nothing."""
    timing = timing_of(None, line(datetime(2026, 5, 11, tzinfo=UTC)), None)
    assert timing.recorded(*ON_RECORD) == (ON_RECORD[0], None)
    assert timing.seconds_late(ON_RECORD[0], None, None) == 0.0
