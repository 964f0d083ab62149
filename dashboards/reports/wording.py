"""How seconds and shares are written in a report, in each language."""

from dataclasses import dataclass

from babel.numbers import format_decimal, format_percent

from dashboards.i18n import Language

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
            return f"{format_decimal(value, format='0.#', locale=self._locale)} {second}"
        whole = round(value)
        if whole < 3600:
            return f"{whole // 60} {minute} {whole % 60} {second}"
        return f"{whole // 3600} {hour} {whole % 3600 // 60} {minute}"

    def percent(self, share: float) -> str:
        """``87 %`` of a share between 0 and 1."""
        return str(format_percent(share, format="0 %", locale=self._locale))

    def fine_percent(self, share: float) -> str:
        """``0,35 %``: small shares that still matter."""
        return str(format_percent(share, format="0.## %", locale=self._locale))
