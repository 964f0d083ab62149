"""How seconds and shares are written in a report, in each language.

Between a number and its unit stands a space at which no line is broken.
"""

from dataclasses import dataclass

from babel.numbers import format_decimal, format_percent

from dashboards.i18n import Language

_SPACE = "\u00a0"
_UNITS = {Language.ID: ("dtk", "mnt", "jam"), Language.EN: ("s", "min", "h")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """Numbers in one language."""

    language: Language

    @property
    def _locale(self) -> str:
        return "id_ID" if self.language is Language.ID else "en_GB"

    def seconds(self, value: float) -> str:
        """``7,5 dtk``, ``12 mnt 5 dtk``, ``1 jam 2 mnt``: as exact as anybody needs it.

        Whether a target was met is decided by the exact value, never by this one.
        """
        second, minute, hour = _UNITS[self.language]
        if value < 59.95:
            return f"{format_decimal(value, format='0.#', locale=self._locale)}{_SPACE}{second}"
        whole = round(value)
        if whole < 3600:
            return _SPACE.join((str(whole // 60), minute, str(whole % 60), second))
        return _SPACE.join((str(whole // 3600), hour, str(whole % 3600 // 60), minute))

    def clock(self, value: float) -> str:
        """``12:05``, ``1:02:05``, ``0:07,5``: minutes and seconds, where many stand in a narrow column."""
        minutes, seconds = divmod(round(value, 1), 60)
        shown = format_decimal(seconds, format="00.#", locale=self._locale)
        hours, minutes = divmod(int(minutes), 60)
        return f"{hours}:{minutes:02}:{shown}" if hours else f"{minutes}:{shown}"

    def number(self, count: int) -> str:
        """``12.345``: thousands apart, as each language writes them."""
        return str(format_decimal(count, locale=self._locale))

    def short(self, value: float) -> str:
        """``7,5``: one digit after the point where there is one."""
        return str(format_decimal(value, format="0.#", locale=self._locale))

    def percent(self, share: float) -> str:
        """``87 %`` of a share between 0 and 1."""
        return str(format_percent(share, format=f"0{_SPACE}%", locale=self._locale))

    def fine_percent(self, share: float) -> str:
        """``0,35 %``: small shares that still matter."""
        return str(format_percent(share, format=f"0.##{_SPACE}%", locale=self._locale))
