"""How a report writes in one language: sentences, and cells whose text and value are made together."""

import gettext
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from dashboards.i18n import Formats, Language
from dashboards.labels import Labels
from dashboards.reports.contents import Part
from dashboards.reports.document import Behind, Cell, Column, Paragraph, Seconds, Share
from dashboards.reports.wording import Wording
from dispatch.domain.summaries import Limits, Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Pen:
    """Everything that turns figures into words; *few* is under how many values each of them is written."""

    language: Language
    translations: gettext.NullTranslations
    zone: ZoneInfo
    few: int

    def say(self, text: str, **parts: object) -> str:
        """The sentence in the language; ``%(name)s`` in it is replaced, ``%%`` is a per cent sign."""
        return self.translations.gettext(text) % parts

    def label(self, kind: str, value: object) -> str:
        """The word for a value of the vocabulary."""
        return Labels(self.translations).of(kind, value)

    @property
    def wording(self) -> Wording:
        """Numbers."""
        return Wording(language=self.language)

    @property
    def formats(self) -> Formats:
        """Instants."""
        return Formats(language=self.language, zone=self.zone)

    def note(self, text: str, **parts: object) -> Paragraph:
        """A paragraph."""
        return Paragraph(text=self.say(text, **parts))

    # --- columns ----------------------------------------------------------------------------------

    def column(self, title: str, *, is_number: bool = False, weight: int = 2) -> Column:
        """One column, on paper and in a spreadsheet alike; *title* is translated already."""
        return Column(title=title, sheet=(title,), is_number=is_number, weight=weight)

    def median_column(self) -> Column:
        """Of :meth:`median`."""
        title = self.say("Median")
        return Column(
            title=title, sheet=(title, *self._limit_titles(title), self.say("Each value")), weight=3
        )

    def p90_column(self) -> Column:
        """Of :meth:`p90`."""
        title = self.say("90th percentile")
        return Column(title=title, sheet=(title, *self._limit_titles(title)), weight=3)

    def part_column(self, title: str) -> Column:
        """Of :meth:`part`."""
        sheet = (title, self.say("of"), self.say("share"), *self._limit_titles(title))
        return Column(title=title, sheet=sheet, weight=3)

    def _limit_titles(self, title: str) -> tuple[str, str]:
        return self.say("%(what)s, 95 %% from", what=title), self.say("%(what)s, 95 %% to", what=title)

    # --- cells ------------------------------------------------------------------------------------

    def text(self, text: str, small: str = "", *, behind: Behind | None = None) -> Cell:
        """Words."""
        return Cell(text=text, small=small, values=(text,), behind=behind)

    def count(self, count: int, *, behind: Behind | None = None) -> Cell:
        """A number of things."""
        return Cell(text=self.wording.number(count), values=(count,), behind=behind if count else None)

    def missing(self, summary: Summary, *, behind: Behind | None = None) -> Cell:
        """How many were not recorded, and which part of those that could have been."""
        share, enough = summary.share_missing, summary.applicable >= self.few
        small = self.wording.percent(share) if share and enough else ""
        return Cell(
            text=self.wording.number(summary.not_recorded),
            small=small,
            values=(summary.not_recorded, Share(share) if share is not None and enough else None),
            behind=behind if summary.not_recorded else None,
        )

    def missing_column(self) -> Column:
        """Of :meth:`missing`."""
        title = self.say("Not recorded")
        return Column(title=title, sheet=(title, self.say("Share not recorded")), is_number=True, weight=2)

    def seconds(self, seconds: float | None) -> Cell:
        """A duration."""
        if seconds is None:
            return Cell(text="–", values=(None,))
        return Cell(text=self.wording.seconds(seconds), values=(Seconds(seconds),))

    def instant(self, at: datetime) -> Cell:
        """A point in time, in the facility's zone."""
        return Cell(text=self.formats.stamp(at), values=(at.astimezone(self.zone).replace(tzinfo=None),))

    def median(self, summary: Summary, *, behind: Behind | None = None) -> Cell:
        """The median and where it may lie, or each value while they are few."""
        if not summary.recorded:
            return Cell(text=self.say("nothing recorded"), values=(None, None, None, None))
        if summary.recorded < self.few:
            listed = "; ".join(self.wording.clock(value) for value in summary.values or ())
            text = self.say("Each value (min:s): %(values)s", values=listed)
            return Cell(text=text, values=(None, None, None, listed), behind=behind)
        assert summary.median_s is not None
        return Cell(
            text=self.wording.seconds(summary.median_s),
            small=self._limits(summary.median_limits),
            values=(Seconds(summary.median_s), *_limit_values(summary.median_limits), None),
            behind=behind,
        )

    def p90(self, summary: Summary, *, behind: Behind | None = None) -> Cell:
        """The 90th percentile and where it may lie; nothing while the values are few."""
        if summary.p90_s is None or summary.recorded < self.few:
            return Cell(text="–", values=(None, None, None))
        return Cell(
            text=self.wording.seconds(summary.p90_s),
            small=self._limits(summary.p90_limits),
            values=(Seconds(summary.p90_s), *_limit_values(summary.p90_limits)),
            behind=behind,
        )

    def part(self, part: Part, *, behind: Behind | None = None) -> Cell:
        """So many of so many, the per cent where there are enough, and where the true share may lie."""
        if not part.of or part.share is None or part.limits is None:
            return Cell(text="–", values=(part.count, part.of, None, None, None))
        text = f"{self.wording.number(part.count)} / {self.wording.number(part.of)}"
        enough = part.of >= self.few
        if enough:
            text += f" ({self.wording.percent(part.share)})"
        low, high = part.limits
        small = self._between(self.wording.percent(low), self.wording.percent(high))
        values = (part.count, part.of, Share(part.share) if enough else None, Share(low), Share(high))
        return Cell(text=text, small=small, values=values, behind=behind if part.count else None)

    def within(self, summary: Summary, *, behind: Behind | None = None) -> Cell:
        """The target and the part within it."""
        if summary.within_target is None:
            return Cell(text=self.say("no target set"), values=(None, None, None, None, None, None))
        target = self.aim(summary)
        cell = self.part(Part(count=summary.within_target, of=summary.recorded))
        text = target if not summary.recorded else f"{target}: {cell.text}"
        aim_s = None if summary.target_s is None else Seconds(summary.target_s)
        shown = behind if summary.within_target else None
        return Cell(text=text, small=cell.small, values=(aim_s, *cell.values), behind=shown)

    def aim(self, summary: Summary) -> str:
        """The target that its values are held against: one, or each the one of its place."""
        if summary.target_s is None:
            return self.say("the target of each zone")
        return self.say("at most %(target)s", target=self.wording.seconds(summary.target_s))

    def within_column(self) -> Column:
        """Of :meth:`within`."""
        inside = self.part_column(self.say("Within the target"))
        return Column(
            title=self.say("Target and share within it"),
            sheet=(self.say("Target"), *inside.sheet),
            weight=4,
        )

    def _limits(self, limits: Limits) -> str:
        if limits.low is None and limits.high is None:
            return ""
        low = "…" if limits.low is None else self.wording.seconds(limits.low)
        high = "…" if limits.high is None else self.wording.seconds(limits.high)
        return self._between(low, high)

    def _between(self, low: str, high: str) -> str:
        return self.say("95 %%: %(low)s to %(high)s", low=low, high=high)


def behind(**wanted: str) -> Behind:
    """The incidents of a figure (``/reports/incidents``); what is empty is not asked for."""
    return Behind(page="incidents", wanted=_asked(wanted))


def calls_behind(**wanted: str) -> Behind:
    """The calls and texts of a figure (``/reports/calls``)."""
    return Behind(page="calls", wanted=_asked(wanted))


def _asked(wanted: Mapping[str, str]) -> Mapping[str, str]:
    return {key: value for key, value in wanted.items() if value}


def _limit_values(limits: Limits) -> tuple[Seconds | None, Seconds | None]:
    low, high = limits.low, limits.high
    return None if low is None else Seconds(low), None if high is None else Seconds(high)
