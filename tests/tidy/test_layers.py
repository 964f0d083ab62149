"""The import contracts of pyproject.toml hold, and say what DESIGN 2 says."""

import subprocess
import sys
import tomllib

from tests.tidy.tree import PACKAGES, ROOT, text_of

CONFIGURATION = ROOT / "pyproject.toml"


def test_imports_keep_to_the_contracts() -> None:
    # In a process of its own: the linter sets up logging anew and silences every logger that is there.
    linter = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    ended = subprocess.run(
        [sys.executable, "-c", linter, "--no-cache", "--config", str(CONFIGURATION)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_contracts_are_the_design() -> None:
    linter = tomllib.loads(text_of(CONFIGURATION))["tool"]["importlinter"]
    contracts = {contract["id"]: contract for contract in linter["contracts"]}
    assert set(linter["root_packages"]) == set(PACKAGES)
    assert contracts["layers"]["layers"] == ["config", "telephony | dashboards", "dispatch", "models"]
    assert {"models", "sqlalchemy", "random", "time", "logging"} <= set(
        contracts["domain"]["forbidden_modules"]
    )
    assert not [name for name, contract in contracts.items() if contract.get("ignore_imports")]
