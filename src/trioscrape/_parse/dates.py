"""Dates in feeds: one table of forms, each of which publishers use.

A text is a date as a whole or not at all, and only if it says which day. Nothing depends on the clock, the
locale or the time zone of the machine, so a document has the same dates whenever and wherever it is read.
Without a zone, a time is UTC.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from .date_words import OFFSETS, month_number, without_accents

_RFC822: Final = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?(\d\d?) ([A-Z][a-z][a-z]) ([1-9]\d{3}) (\d\d):(\d\d):(\d\d)"
    r" (?:([+-])(\d\d)(\d\d)|([A-Z]{1,4}))",
    re.ASCII,
)
_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)


def parse_date(text: str) -> datetime | None:
    """The moment that `text` names, in UTC and whole seconds; None where it does not say which day.

    RFC 822 and 5322 with what publishers make of them, RFC 3339 and ISO 8601, asctime and JavaScript, Unix
    time, and what blogs show to people: numbers where they can be read in one way only, and names of months
    in the languages of `date_words`.
    """
    try:
        if match := _RFC822.fullmatch(text):
            return _rfc822(match)
        if _RFC3339.fullmatch(text) and text[0] != "0":
            return datetime.fromisoformat(text).replace(microsecond=0).astimezone(UTC)
    except (KeyError, OverflowError, ValueError):
        pass  # 24:00, a leap second, an unknown zone, a month in another language
    try:
        return _unusual(text)
    except (OverflowError, ValueError):  # February 30th, 25:00, a year that datetime can't hold
        return None


def _rfc822(match: re.Match[str]) -> datetime:
    day, month, year, hour, minute, second, sign, hours, minutes, zone = match.groups()
    stamp = datetime(int(year), _MONTHS[month], int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    offset = OFFSETS[zone.lower()] if zone else _minutes(sign, hours, minutes)
    return stamp - timedelta(minutes=offset) if offset else stamp


_MONTHS: Final = {
    name: number
    for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)  # noqa: SIM905
}


def _minutes(sign: str, hours: str, minutes: str | None) -> int:
    offset = 60 * int(hours) + int(minutes or 0)
    if offset >= 24 * 60:
        raise ValueError("an offset of more than a day")
    return offset if sign == "+" else -offset


# The days. What follows the day, a time and a zone, is the same in all forms.

_WORD: Final = r"[^\W\d_]+"
_WEEKDAY: Final = rf"(?:(?P<weekday>{_WORD}(?:[\s-]{_WORD})?)(?:[.,]+\s*|\s+))?"
_DAY: Final = r"(?P<day>\d\d?)(?:st|nd|rd|th|er|o|\.)?"
_NAME: Final = rf"(?P<name>{_WORD}|\d\d?[月월])\.?"
_SPACE: Final = r"(?:[,./-]\s*|\s+)(?:del?\s+|d['’]|of\s+)?"  # and not before "-0001", PHP's 0000-00-00
_DAY_OF_WEEK: Final = (
    r"(?:\s*(?:\(.\)|(?:星期|周|週|礼拜)?[一二三四五六日天]|[日月火水木金土]曜日?|[일월화수목금토]요일))?"
)


def _named(match: re.Match[str]) -> date | None:
    """A month by its name; of two or three digits of a year, RFC 5322 §4.3 says which century."""
    month, year = month_number(match["name"]), int(match["year"])
    if len(match["year"]) < 4:
        year += 2000 if year < 50 else 1900
    return date(year, month, int(match["day"])) if month else None


def _year_first(match: re.Match[str]) -> date:
    return date(int(match["year"]), int(match["month"]), int(match["day"]))


def _of_week(match: re.Match[str]) -> date:
    return date.fromisocalendar(int(match["year"]), int(match["week"]), int(match["day"]))


def _of_year(match: re.Match[str]) -> date | None:
    day = date(int(match["year"]), 1, 1) + timedelta(days=int(match["day"]) - 1)
    return day if day.year == int(match["year"]) else None


def _two_numbers(match: re.Match[str]) -> date | None:
    """10.3.2026 has the day first. 10/3/2026 may be either: a 13th month, AM or PM, or a weekday tells."""
    first, second, year = int(match["first"]), int(match["second"]), int(match["year"])
    day_first, month_first = _valid(year, second, first), _valid(year, first, second)
    if match["sep"] == "." or month_first in {None, day_first}:
        return day_first
    if day_first is None or (match["sep"] == "/" and _TWELVE_HOURS.search(match["clock"])):
        return month_first
    weekday = (match["weekday"] or "")[:3]
    says = [day for day in (day_first, month_first) if weekday == _WEEKDAYS[day.weekday()]]
    return says[0] if len(says) == 1 else None


_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TWELVE_HOURS: Final = re.compile(r"\d\s*[ap]\.?\s?m\b")


def _valid(year: int, month: int, day: int) -> date | None:
    with suppress(ValueError):
        return date(year, month, day)
    return None


_FORMS: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], date | None]], ...]] = tuple(
    (re.compile(form), day)
    for form, day in (
        # Tue, 10 Mar 2026; 10-Mar-26; 10. März 2026; 10 de marzo de 2026; 10 марта 2026 г.
        (
            rf"{_WEEKDAY}{_DAY}{_SPACE}{_NAME}{_SPACE}'?(?P<year>\d{{2,4}})(?!\d)(?:\s*г\b\.?)?(?P<clock>.*)",
            _named,
        ),
        # March 10, 2026; Tue Mar 10 2026
        (rf"{_WEEKDAY}{_NAME}\s*{_DAY}[\s,]+(?P<year>\d{{4}})(?!\d)(?P<clock>.*)", _named),
        # Tue Mar 10 10:00:00 UTC 2026
        (rf"{_WEEKDAY}{_NAME}\s+{_DAY}(?P<clock>\s+\d\d?:.*)\s(?P<year>\d{{4}})", _named),
        # 2026-03-10; 2026/3/10; Tue, 2026.03.10; Google once had three digits for the month
        (
            rf"{_WEEKDAY}(?P<year>\d{{4}})(?P<sep>[./ -])\s?0?(?P<month>\d\d?)(?P=sep)\s?(?P<day>\d\d?)"
            r"(?!\d)\.?(?P<clock>.*)",
            _year_first,
        ),
        # 20260310T100000Z; 20260310; 202603101000
        (r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)(?P<clock>(?!\d).*|\d{4}(?:\d\d)?)", _year_first),
        # 10.03.2026; 13/3/2026; Tue, 03/10/2026
        (
            rf"{_WEEKDAY}(?P<first>\d\d?)(?P<sep>[./ -])(?P<second>\d\d?)(?P=sep)(?P<year>\d{{4}})(?!\d)"
            r"(?P<clock>.*)",
            _two_numbers,
        ),
        # 2026年3月10日; 2026년 3월 10일 (화)
        (
            r"(?P<year>\d{4})\s*[年년]\s*(?P<month>\d\d?)\s*[月월]\s*(?P<day>\d\d?)\s*[日일]"
            rf"{_DAY_OF_WEEK}(?P<clock>.*)",
            _year_first,
        ),
        # 2026. március 10.; 2026-július-10T9:15; 2026 m. kovo 10 d.
        (
            rf"(?P<year>\d{{4}})[\s.-]+(?:m\.\s*)?{_NAME}[\s.-]+(?P<day>\d\d?)(?!\d)(?:\s*d)?\.?(?P<clock>.*)",
            _named,
        ),
        # ISO 8601: 2026-W11-2; 2026-069
        (r"(?P<year>\d{4})-?w(?P<week>\d\d)-?(?P<day>\d)(?P<clock>(?!\d).*)", _of_week),
        (r"(?P<year>\d{4})-?(?P<day>\d{3})(?P<clock>(?!\d).*)", _of_year),
    )
)

_CLOCK: Final = re.compile(
    r"""(?:
        (?: \s*t\s* | \s+[–—-]\s+ | \s*[,;|@]\s* | \s+ | :(?=\d) | ^(?=\d) )
        (?: (?:at|um|om|kl|klo|a|as|a\ las|alle|ore|в|о)\b\.?\s* )?
        (?: (?P<half>오전|오후|上午|下午|午前|午後)\s* )?
        (?P<hour>\d\d?)
        (?:
            (?:[:.]|[h時时点시]\s?)?(?P<minute>\d\d|(?<=:)\d(?!\d))[分분]?
            (?: (?:[:.]|(?<=[分분])\s?)?(?P<second>\d\d|(?<=:)\d(?!\d))[秒초]? (?:[.,:]\d+)? )?
        )?
        (?: \s*(?P<am_pm>[ap])\.?\s?m\b\.? )?
        (?: \s*(?:uhr|hrs?|h)\b )?
    )?
    (?: [\s,]*(?P<zone>[a-z]{1,5}|(?:[a-z]+\s){1,3}time)\b )?
    (?:
        # What was a plus sign is a space where somebody has decoded it as a part of a URL.
        \s*(?P<sign>[+−-]|[+−-]\s(?=\d{4}\b)|(?<=:\d\d:\d\d)\s(?=\d\d:?\d\d$))
        (?P<hours>\d\d?)(?::?(?P<minutes>\d\d))?  (?: \s*[a-z]{1,5}\b )?
    )?
    (?: \s*\((?P<comment>[^()]*)\) )?
    (?: \s*\[[^\[\]]*\] )?""",
    re.VERBOSE,
)


# A time and a zone.


def _unusual(text: str) -> datetime | None:
    text = text.strip(_AROUND)
    if len(text) > _LONGEST or _ZERO.match(text):
        return None
    if unix := _UNIX.fullmatch(text):
        return _EPOCH + timedelta(seconds=int(unix["seconds"]))
    region = _REGION.search(text)
    plain = without_accents(_REGION.sub("", text)).rstrip()
    for form, day_of in _FORMS:
        if (
            (match := form.fullmatch(plain))
            and (clock := _CLOCK.fullmatch(match["clock"]))
            and (day := day_of(match))
        ):
            return _moment(day, clock, region and region[0], korean=_KOREAN.search(plain) is not None)
    return None


_LONGEST: Final = 120
"""Characters. JavaScript's, with "(Central European Standard Time)", has 66."""
_AROUND: Final = " \t\r\n\f\v\xa0\u200e\u200f\ufeff\"',;."
_UNIX: Final = re.compile(r"(?P<seconds>\d{10})(?:\d{3}|\.\d+)?", re.ASCII)
"""Seconds, or milliseconds, since 1970: from 2001 to 2286."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ZERO: Final = re.compile("0001-01-01[T ]|Mon, 0?1 Jan 0001 ")
"""How Go and .NET write a date that has not been set; 0000-00-00 is no date anyway."""
_REGION: Final = re.compile(r"(?<![\[(\w])[A-Z]\w+(?:/[A-Za-z][\w+-]*){1,2}", re.ASCII)
_KOREAN: Final = re.compile("[가-힣]")


def _moment(day: date, clock: re.Match[str], region: str | None, *, korean: bool) -> datetime | None:
    if clock["hour"] is None:
        if clock["sign"] and not clock["minutes"]:
            return None  # 2026-03-10-01
        time = timedelta()
    else:
        time = _time(clock)
    moment = datetime(day.year, day.month, day.day) + time
    if region and (zone := _zone(region)):
        return moment.replace(tzinfo=zone).astimezone(UTC)
    return moment.replace(tzinfo=UTC) - timedelta(minutes=_offset(clock, korean=korean))


def _time(clock: re.Match[str]) -> timedelta:
    hour, minute, second = int(clock["hour"]), int(clock["minute"] or 0), int(clock["second"] or 0)
    half = clock["am_pm"] or _HALVES.get(clock["half"])
    if half and 1 <= hour <= 12:  # else it is "15:00 PM", which says it twice
        hour = hour % 12 + (12 if half == "p" else 0)
    # 24:00 is the end of a day (ISO 8601), the 60th second a leap second (RFC 3339 §5.6).
    if minute > 59 or second > 60 or hour > 24 or (hour == 24 and (minute or second)):
        raise ValueError("no time of a day")
    return timedelta(hours=hour, minutes=minute, seconds=second)


_HALVES: Final = {"오전": "a", "上午": "a", "午前": "a", "오후": "p", "下午": "p", "午後": "p"}


def _offset(clock: re.Match[str], *, korean: bool) -> int:
    """Minutes east of UTC. A name that is not known is UTC (RFC 5322 §4.3)."""
    if clock["sign"]:
        sign = "-" if clock["sign"][0] in "−-" else "+"
        return _minutes(sign, clock["hours"], clock["minutes"])
    if zone := clock["zone"] or clock["comment"]:
        first, *more = zone.split() or [""]
        if more:
            zone = "".join(word[0] for word in (first, *more)) if first in _NAMED_BY_INITIALS else ""
        return OFFSETS.get(zone, 0)
    return OFFSETS["kst"] if korean else 0


_NAMED_BY_INITIALS: Final = frozenset(
    "eastern central mountain pacific alaska british greenwich western japan india korea".split()  # noqa: SIM905
)
"""How zones begin whose initials are in `OFFSETS`: Eastern Standard Time, Central European Time."""


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        return None
