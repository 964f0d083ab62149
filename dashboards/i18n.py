"""Languages of the screen: catalogues compiled in memory, instants and durations as people write them.

The msgids are English. Indonesian is the default; a missing translation shows the English text.
Knows nothing of pages, of requests or of what is said.
"""

import gettext
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from dispatch.domain.survey import decimals

LOCALE = Path(__file__).parent / "locale"


class Language(StrEnum):
    """A language of the screen."""

    ID = "id"
    EN = "en"


def msgid(text: str) -> str:
    """Mark *text* as something to be translated where it is shown."""
    return text


def catalogue(language: Language) -> gettext.GNUTranslations:
    """The translations of *language*, compiled from its ``.po`` file, so that no ``.mo`` is kept."""
    source = LOCALE / language / "LC_MESSAGES" / "siaga.po"
    compiled = BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file, locale=str(language)))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def language_of(text: str | None) -> Language | None:
    """The language that *text* names, or None."""
    return next((language for language in Language if language == text), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Formats:
    """How instants and durations are written in one language and one zone."""

    language: Language
    zone: ZoneInfo

    @property
    def _locale(self) -> str:
        return "id_ID" if self.language is Language.ID else "en_GB"

    def clock(self, at: datetime) -> str:
        """``14:03:20``; colons in both languages, so that nobody takes a time for a decimal."""
        return f"{at.astimezone(self.zone):%H:%M:%S}"

    def minute(self, at: datetime) -> str:
        """``14:03``."""
        return f"{at.astimezone(self.zone):%H:%M}"

    def day(self, at: datetime) -> str:
        """``23 Nov 2026``."""
        return self.date(at.astimezone(self.zone).date())

    def date(self, day: date) -> str:
        """``23 Nov 2026``, of a day that is one already."""
        return format_date(day, "d MMM y", locale=self._locale)

    def weekday(self, at: datetime) -> str:
        """``Senin, 23 Nov 2026``."""
        return format_date(at.astimezone(self.zone).date(), "EEEE, d MMM y", locale=self._locale)

    def stamp(self, at: datetime) -> str:
        """``23 Nov 2026 14:03:20 WIT``."""
        return f"{self.day(at)} {self.clock(at)} {self.zone_name(at)}"

    def moment(self, at: datetime, now: datetime) -> str:
        """``14:03:20`` today, ``23 Nov 2026 14:03:20`` on any other day."""
        is_today = at.astimezone(self.zone).date() == now.astimezone(self.zone).date()
        return self.clock(at) if is_today else f"{self.day(at)} {self.clock(at)}"

    def near(self, at: datetime, now: datetime) -> str:
        """``14:03`` on the same day, ``Sel 14:03`` within the week, ``23 Nov 2026 14:03`` otherwise."""
        days = (at.astimezone(self.zone).date() - now.astimezone(self.zone).date()).days
        if days == 0:
            return self.minute(at)
        if 0 < days < 7:
            weekday = format_date(at.astimezone(self.zone).date(), "EEE", locale=self._locale)
            return f"{weekday} {self.minute(at)}"
        return f"{self.day(at)} {self.minute(at)}"

    def zone_name(self, at: datetime) -> str:
        """``WIT``; the time-zone database knows the Indonesian short names, CLDR does not."""
        return at.astimezone(self.zone).tzname() or ""

    @property
    def day_words(self) -> tuple[str, str]:
        """The word after the number of days, for one and for more."""
        return ("hari", "hari") if self.language is Language.ID else ("day", "days")

    def decimal(self, value: Fraction | Decimal, places: int) -> str:
        """``3,250``: so many decimals, rounded half up."""
        written = decimals(Fraction(value), places)
        return str(format_decimal(written, format=f"0.{'0' * places}", locale=self._locale))

    def duration(self, seconds: float) -> str:
        """``0:07``, ``12:05``, ``1:02:03``, ``31 hari 0:03``: hours and days only where there are any.

        With days go hours and minutes: nobody counts the seconds of a month. ``live.js`` writes alike.
        """
        whole = max(0, int(seconds))
        days, rest = divmod(whole, 86400)
        hours, rest = divmod(rest, 3600)
        minutes, left = divmod(rest, 60)
        if days:
            one, more = self.day_words
            return f"{days} {one if days == 1 else more} {hours}:{minutes:02}"
        return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
