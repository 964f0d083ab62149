"""From a page's context to its bytes: templates, translations, formats, and the headers of every page.

A page is one dataclass and one template. No template asks the database, and no Python writes HTML.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from dashboards.assets import Assets
from dashboards.context import FacilityFacts
from dashboards.i18n import Formats, Language, catalogue
from dashboards.labels import LABELS, Labels
from dashboards.sentences import Sentences
from dispatch.domain import phones

OPEN_LONG = timedelta(hours=24)
"""An incident that is open for longer was forgotten, or needs somebody who says what is going on."""

TEMPLATES = Path(__file__).parent / "templates"

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    # Not no-referrer: with it browsers send "Origin: null" with our own forms (dashboards.csrf).
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(self)",
    "Cache-Control": "no-store",
}
"""On every page: each may hold somebody's name, so none is kept by a browser or a proxy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What surrounds every page: who looks, in which language, where they are."""

    language: Language
    now: datetime
    username: str | None
    sees_numbers: bool
    may_act: bool
    form_token: str
    role: str
    path: str
    here: str
    is_live: bool = False


class Renderer:
    """Fills templates in every language."""

    def __init__(self, facility: FacilityFacts, assets: Assets, *, simulator_on: bool) -> None:
        """Compile the catalogues and prepare one environment for each language."""
        self.assets = assets
        self._environments = {
            language: _environment(language, facility, assets, simulator_on=simulator_on)
            for language in Language
        }
        self._labels = {language: Labels(catalogue(language)) for language in Language}
        self._sentences = {
            language: Sentences(catalogue(language), Formats(language=language, zone=facility.zone))
            for language in Language
        }

    def label(self, language: Language, kind: str, value: object) -> str:
        """The word for one value, for answers that are no page."""
        return self._labels[language].of(kind, value)

    def text(self, template: str, page: object, frame: Frame) -> str:
        """The template filled with *page* (a dataclass) and the frame around it."""
        return (
            self._environments[frame.language]
            .get_template(template)
            .render(page=page, frame=frame, sentences=self._sentences[frame.language])
        )

    def html(self, template: str, page: object, frame: Frame, *, status: int = 200) -> HTMLResponse:
        """The same as a response with the headers that every page carries."""
        return HTMLResponse(
            self.text(template, page, frame), status_code=status, headers=dict(SECURITY_HEADERS)
        )


def _environment(
    language: Language, facility: FacilityFacts, assets: Assets, *, simulator_on: bool
) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    translations = catalogue(language)
    # The i18n extension adds this method to the environment when it is loaded.
    install: Any = environment
    install.install_gettext_translations(translations, newstyle=True)
    formats = Formats(language=language, zone=facility.zone)
    environment.filters.update(
        clock=formats.clock,
        date=formats.date,
        minute=formats.minute,
        day=formats.day,
        weekday=formats.weekday,
        near=formats.near,
        moment=formats.moment,
        stamp=formats.stamp,
        duration=formats.duration,
        decimal=formats.decimal,
        phone=phones.local_form,
        masked=phones.mask,
        iso=datetime.isoformat,
    )
    environment.globals.update(
        facility=facility,
        asset=assets.url,
        simulator_on=simulator_on,
        label=Labels(translations).of,
        choices=LABELS,
        zone_name=formats.zone_name,
        day_words=formats.day_words,
        open_long=OPEN_LONG,
        languages=tuple(Language),
    )
    return environment
