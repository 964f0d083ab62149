"""Settings: the environment over the file, unknown names and bad values refused by name (CONTRACT 2)."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from config.settings import (
    SIMULATED_NUMBER,
    SecretKeyMissingError,
    Settings,
    SettingsError,
    load_settings,
)
from config.settings_reference import HIDDEN, effective, reference
from tests.tidy.tree import ROOT

KEY = "a key that is long enough"
TWILIO = {
    "SIAGA_TELEPHONY": "twilio",
    "SIAGA_TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000001",
    "SIAGA_TWILIO_AUTH_TOKEN": "token of the tests",
    "SIAGA_TWILIO_NUMBER": "+62811000911",
}


def load(**environ: str) -> Settings:
    return load_settings({"SIAGA_SECRET_KEY": KEY, **environ})


def refusal(environ: dict[str, str]) -> SettingsError:
    with pytest.raises(SettingsError) as raised:
        load_settings({"SIAGA_SECRET_KEY": KEY, **environ})
    return raised.value


def test_defaults_are_those_of_the_contract() -> None:
    settings = load()
    assert settings.database_url == "sqlite:///var/siaga.db"
    assert settings.public_url == "http://127.0.0.1:8911"
    assert settings.telephony == ("simulator",)
    assert settings.twilio_api_url == "https://api.twilio.com"
    assert settings.policy_file is None
    assert settings.facility_file is None
    assert settings.data_dir == Path("var")
    assert settings.log_format == "console"


def test_settings_cannot_be_changed() -> None:
    settings = load()
    with pytest.raises(ValidationError):
        settings.log_format = "json"  # type: ignore[misc] # refusing this is the point


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "siaga.toml"
    file.write_text(
        'log_format = "json"\ntwilio_timeout_s = 3\ntelephony = ["simulator"]\n', encoding="utf-8"
    )
    settings = load(SIAGA_CONFIG=str(file), SIAGA_TWILIO_TIMEOUT_S="4.5")
    assert settings.log_format == "json"
    assert settings.twilio_timeout_s == 4.5


def test_other_programs_variables_are_none_of_ours() -> None:
    assert load(PATH="/bin", siaga_colour="blue", TWILIO_AUTH_TOKEN="x").twilio_auth_token is None


@pytest.mark.parametrize(
    ("environ", "name", "reason"),
    [
        ({"SIAGA_PUBLIC_ULR": "http://x"}, "SIAGA_PUBLIC_ULR", "did you mean SIAGA_PUBLIC_URL"),
        ({"SIAGA_COLOUR": "blue"}, "SIAGA_COLOUR", "no such setting"),
        ({"SIAGA_SECRET_KEY": ""}, "SIAGA_SECRET_KEY", "must not be empty"),
        ({"SIAGA_SECRET_KEY": "too short"}, "SIAGA_SECRET_KEY", "at least 16"),
        ({"SIAGA_DATABASE_URL": "siaga.db"}, "SIAGA_DATABASE_URL", "no database address"),
        ({"SIAGA_DATABASE_URL": "mysql://h/db"}, "SIAGA_DATABASE_URL", "mysql is not supported"),
        ({"SIAGA_DATABASE_URL": "postgresql://h/db"}, "SIAGA_DATABASE_URL", "postgresql+psycopg://"),
        ({"SIAGA_DATABASE_URL": "sqlite://"}, "SIAGA_DATABASE_URL", "would forget"),
        ({"SIAGA_PUBLIC_URL": "example.org"}, "SIAGA_PUBLIC_URL", "no web address"),
        ({"SIAGA_PUBLIC_URL": "ftp://example.org"}, "SIAGA_PUBLIC_URL", "no web address"),
        ({"SIAGA_PUBLIC_URL": "https://example.org/siaga"}, "SIAGA_PUBLIC_URL", "after the host"),
        ({"SIAGA_PUBLIC_URL": "https://example.org?"}, "SIAGA_PUBLIC_URL", "after the host"),
        ({"SIAGA_PUBLIC_URL": "https://example.org/#x"}, "SIAGA_PUBLIC_URL", "after the host"),
        ({"SIAGA_PUBLIC_URL": "https://me:pass@example.org"}, "SIAGA_PUBLIC_URL", "user name"),
        ({"SIAGA_PUBLIC_URL": "https://example.org:99999"}, "SIAGA_PUBLIC_URL", "no web address"),
        ({"SIAGA_TELEPHONY": ""}, "SIAGA_TELEPHONY", "no provider"),
        ({"SIAGA_TELEPHONY": "pigeon"}, "SIAGA_TELEPHONY", "'pigeon' is no provider"),
        ({"SIAGA_TELEPHONY": "gsm"}, "SIAGA_TELEPHONY", "not available in this version"),
        ({"SIAGA_TELEPHONY": "simulator,simulator"}, "SIAGA_TELEPHONY", "twice"),
        ({"SIAGA_LOG_FORMAT": "xml"}, "SIAGA_LOG_FORMAT", "'console' or 'json'"),
        ({"SIAGA_TWILIO_TIMEOUT_S": "soon"}, "SIAGA_TWILIO_TIMEOUT_S", "valid number"),
        ({"SIAGA_TWILIO_TIMEOUT_S": "0"}, "SIAGA_TWILIO_TIMEOUT_S", "greater than 0"),
        ({"SIAGA_TWILIO_AUTH_TOKEN": ""}, "SIAGA_TWILIO_AUTH_TOKEN", "verifies anything"),
        ({"SIAGA_TWILIO_AUTH_TOKEN": "  "}, "SIAGA_TWILIO_AUTH_TOKEN", "verifies anything"),
        ({"SIAGA_TWILIO_NUMBER": "0811000911"}, "SIAGA_TWILIO_NUMBER", "E.164"),
        ({"SIAGA_POLICY_FILE": "nowhere.toml"}, "SIAGA_POLICY_FILE", "no file 'nowhere.toml'"),
        ({"SIAGA_FACILITY_FILE": ""}, "SIAGA_FACILITY_FILE", "no file"),
        ({"SIAGA_DATA_DIR": "/dev/null"}, "SIAGA_DATA_DIR", "not a folder"),
        ({"SIAGA_CONFIG": "nowhere.toml"}, "SIAGA_CONFIG", "cannot be read"),
    ],
)
def test_a_bad_setting_is_refused_by_name(environ: dict[str, str], name: str, reason: str) -> None:
    error = refusal(environ)
    assert error.name == name
    assert reason in error.reason
    assert str(error) == f"{name}: {error.reason}"
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        ('colour = "blue"', "colour", "no such setting"),
        ('SIAGA_LOG_FORMAT = "json"', "SIAGA_LOG_FORMAT", "no such setting"),
        ('log_format = "xml"', "SIAGA_LOG_FORMAT", "key log_format in"),
        ("telephony = 3", "SIAGA_TELEPHONY", "provider names"),
        ("[telephony]\ntwilio = true", "SIAGA_TELEPHONY", "provider names"),
        ("log_format = ", "SIAGA_CONFIG", "not valid TOML"),
    ],
)
def test_a_bad_file_is_refused_by_key(tmp_path: Path, content: str, name: str, reason: str) -> None:
    file = tmp_path / "siaga.toml"
    file.write_text(content, encoding="utf-8")
    error = refusal({"SIAGA_CONFIG": str(file)})
    assert error.name == name
    assert reason in error.reason
    assert str(file) in error.reason


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SIAGA_FOO", None),
        ("SIAGA_COLOUR", None),
        ("SIAGA_X", None),
        ("SIAGA_CONFG", "SIAGA_CONFIG"),
        ("SIAGA_SECRET", "SIAGA_SECRET_KEY"),
        ("SIAGA_DB_URL", "SIAGA_DATABASE_URL"),
        ("SIAGA_FACILITY", "SIAGA_FACILITY_FILE"),
    ],
)
def test_only_a_name_that_is_close_is_offered(name: str, meant: str | None) -> None:
    offer = "" if meant is None else f"; did you mean {meant}?"
    assert refusal({name: "x"}).reason == "there is no such setting" + offer


def test_without_a_secret_key_nothing_starts() -> None:
    with pytest.raises(SecretKeyMissingError, match="SIAGA_SECRET_KEY: is required"):
        load_settings({})


@pytest.mark.parametrize(
    "missing", ["SIAGA_TWILIO_ACCOUNT_SID", "SIAGA_TWILIO_AUTH_TOKEN", "SIAGA_TWILIO_NUMBER"]
)
def test_twilio_needs_its_whole_account(missing: str) -> None:
    error = refusal({name: value for name, value in TWILIO.items() if name != missing})
    assert error.name == missing
    assert "required" in error.reason


def test_no_message_repeats_a_secret() -> None:
    secret = "short secret"
    assert secret not in str(refusal({"SIAGA_SECRET_KEY": secret}))
    assert secret not in str(refusal({"SIAGA_DATABASE_URL": f"mysql://root:{secret}@h/db"}))


def test_providers_keep_their_order() -> None:
    assert load(**{**TWILIO, "SIAGA_TELEPHONY": "twilio, simulator"}).telephony == ("twilio", "simulator")
    assert load(**{**TWILIO, "SIAGA_TELEPHONY": "simulator,twilio"}).telephony == ("simulator", "twilio")


def test_one_slash_after_the_host_is_forgiven() -> None:
    assert load(SIAGA_PUBLIC_URL="https://siaga.example.org/").public_url == "https://siaga.example.org"


def test_the_simulator_gets_an_account_derived_from_the_key() -> None:
    account = load().account
    assert account.account_sid.startswith("AC")
    assert len(account.account_sid) == 34
    assert len(account.auth_token.get_secret_value()) == 32
    assert account.number == SIMULATED_NUMBER
    assert account == load().account
    assert account.auth_token != load(SIAGA_SECRET_KEY="another key of some length").account.auth_token


def test_a_given_account_is_used_for_the_simulator_too() -> None:
    account = load(**{**TWILIO, "SIAGA_TELEPHONY": "simulator"}).account
    assert account.account_sid == TWILIO["SIAGA_TWILIO_ACCOUNT_SID"]
    assert account.auth_token == SecretStr(TWILIO["SIAGA_TWILIO_AUTH_TOKEN"])
    assert account.number == TWILIO["SIAGA_TWILIO_NUMBER"]


def test_printed_settings_hide_secrets() -> None:
    address = "postgresql+psycopg://siaga:very-secret@db/siaga"
    shown = dict(effective(load(SIAGA_DATABASE_URL=address, **TWILIO)))
    assert shown["SIAGA_SECRET_KEY"] == HIDDEN
    assert shown["SIAGA_TWILIO_AUTH_TOKEN"] == HIDDEN
    assert "very-secret" not in shown["SIAGA_DATABASE_URL"]
    assert shown["SIAGA_TELEPHONY"] == "twilio"


def test_the_page_of_settings_is_current() -> None:
    written = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert written == reference(), "run: siaga settings --markdown > docs/settings.md"
