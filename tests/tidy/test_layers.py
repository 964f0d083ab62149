"""The import contracts of pyproject.toml hold, and say what DESIGN 2 says."""

import tomllib

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from tests.tidy.tree import PACKAGES, ROOT, text_of

CONFIGURATION = ROOT / "pyproject.toml"


def test_imports_keep_to_the_contracts() -> None:
    assert lint_imports(config_filename=str(CONFIGURATION), no_cache=True) == EXIT_STATUS_SUCCESS


def test_the_contracts_are_the_design() -> None:
    linter = tomllib.loads(text_of(CONFIGURATION))["tool"]["importlinter"]
    contracts = {contract["id"]: contract for contract in linter["contracts"]}
    assert set(linter["root_packages"]) == set(PACKAGES)
    assert contracts["layers"]["layers"] == ["config", "telephony | dashboards", "dispatch", "models"]
    assert {"models", "sqlalchemy", "random", "time", "logging"} <= set(
        contracts["domain"]["forbidden_modules"]
    )
    assert not [name for name, contract in contracts.items() if contract.get("ignore_imports")]
