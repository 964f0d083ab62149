"""The report as one printable page that needs nothing beside it: it is sent, filed and printed elsewhere.

Its style stands inside the file, because there is no server behind it; the pages of the program have theirs
in an external stylesheet. No HTML is written in Python.
"""

import gettext
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dashboards.context import FacilityFacts
from dashboards.i18n import LOCALE, Formats, Language, catalogue
from dashboards.labels import Labels
from dashboards.reports.contents import FEW, Report
from dashboards.reports.wording import Wording
from dispatch.domain.response_times import INTERVALS

TEMPLATES = Path(__file__).parent.parent / "templates" / "reports"

MAIN_INTERVAL = "response"
"""The interval of the tables by month, priority and so on: what the public understands by response time."""


def as_html(report: Report, *, facility: FacilityFacts, language: Language) -> str:
    """The report as a page in *language*."""
    translations = report_catalogue(language)
    formats = Formats(language=language, zone=facility.zone)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    # The i18n extension adds this method to the environment when it is loaded.
    install: Any = environment
    install.install_gettext_translations(translations, newstyle=True)
    wording = Wording(language=language)
    environment.filters.update(
        seconds=wording.seconds,
        percent=wording.percent,
        fine_percent=wording.fine_percent,
        stamp=formats.stamp,
        day=formats.day,
        minute=formats.minute,
    )
    return environment.get_template("response_times.html").render(
        report=report,
        intervals=INTERVALS,
        main=MAIN_INTERVAL,
        few=FEW,
        titles={interval.key: translations.gettext(interval.title) for interval in INTERVALS},
        label=Labels(translations).of,
        language=language,
    )


def report_catalogue(language: Language) -> gettext.NullTranslations:
    """The words of the reports in *language*, before those of the screen."""
    source = LOCALE / language / "LC_MESSAGES" / "reports.po"
    words = catalogue(language)
    if not source.exists():
        return words
    compiled = BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file, locale=str(language)))
    compiled.seek(0)
    own = gettext.GNUTranslations(compiled)
    own.add_fallback(words)
    return own
