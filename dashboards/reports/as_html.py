"""The report as one printable page that needs nothing beside it: it is sent, filed and printed elsewhere.

Its style stands inside the file, because there is no server behind it; the pages of the program have theirs
in an external stylesheet. No HTML is written in Python.
"""

from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dashboards.rendering import TEMPLATES
from dashboards.reports import codes
from dashboards.reports.charts import Chart
from dashboards.reports.document import Document


def as_html(document: Document) -> str:
    """The report as a page; its figures lead to what is behind them where the document has an origin."""
    return (
        _environment()
        .get_template("reports/response_times.html")
        .render(document=document, qr=codes.svg(document.proof.address))
    )


def chart_svg(chart: Chart, *, font: str) -> str:
    """A chart as a file of its own."""
    template = _environment().get_template("reports/_chart.svg")
    return str(template.module.chart(chart, font, True))  # type: ignore[attr-defined] # the template's macro


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
