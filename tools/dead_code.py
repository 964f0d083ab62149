"""Lists functions, methods, classes and imports that nothing uses; `make check` fails when there are any.

Two looks: the five packages alone (what only a test uses is dead in production), then the tests with them.
A name that a template uses counts as used. Fields and enumeration members are left out: they are shapes of
the contract, read by name from files and from the database. Settings and the whitelist: pyproject.toml,
tools/vulture_whitelist.py.
"""

import re
import sys
import tomllib
from pathlib import Path

import vulture

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("config", "telephony", "dashboards", "dispatch", "models")
WHITELIST = ROOT / "tools" / "vulture_whitelist.py"
SHAPES = ("variable", "attribute")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]+")


def template_names() -> set[str]:
    """Every word of every template: a property that only a page shows is not dead."""
    pages = [page for package in PACKAGES for page in (ROOT / package).rglob("*.html")]
    return {name for page in pages for name in NAME.findall(page.read_text(encoding="utf-8"))}


def unused(folders: tuple[str, ...]) -> dict[str, str]:
    """What nothing in ``folders`` uses: "path:line", and a sentence about it."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["vulture"]
    finder = vulture.Vulture(
        ignore_names=settings["ignore_names"], ignore_decorators=settings["ignore_decorators"]
    )
    finder.scavenge([str(ROOT / folder) for folder in folders] + [str(WHITELIST)])
    shown = template_names()
    return {
        f"{Path(item.filename).relative_to(ROOT)}:{item.first_lineno}": f"unused {item.typ} '{item.name}'"
        for item in finder.get_unused_code(min_confidence=settings["min_confidence"])
        if item.typ not in SHAPES and item.name not in shown
    }


def main() -> int:
    """Print what is dead; 1 when anything is."""
    dead = unused(PACKAGES) | unused((*PACKAGES, "tests"))
    for place, sentence in sorted(dead.items()):
        print(f"{place}: {sentence}")
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main())
