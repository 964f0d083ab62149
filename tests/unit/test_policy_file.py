"""The policy file: what is shipped, and what is refused by file, key and reason (CONTRACT 5)."""

from pathlib import Path

import pytest

from config.policy import SHIPPED, PolicyError, load_policy
from dispatch.domain.policy import from_data, to_data
from dispatch.domain.vocabulary import AlertChannel

TIER = '[[alerting.tier]]\nname = "jaga"\nalert_at_once = 2\naccept_within_s = 30\n'


def test_the_shipped_policy_is_that_of_the_contract() -> None:
    policy = load_policy()
    alerting = policy.alerting
    assert [(t.name, t.alert_at_once, t.accept_within_s) for t in alerting.tiers] == [
        ("jaga", 2, 30),
        ("cadangan", 5, 30),
        ("pimpinan", 5, 60),
    ]
    assert {t.channels for t in alerting.tiers} == {(AlertChannel.VOICE, AlertChannel.SMS)}
    assert (alerting.repeat_s, alerting.call_ring_s) == (60, 25)
    assert (policy.caller.alert_after_s, policy.caller.menu_timeout_s) == (0, 5)
    assert policy.caller.callback_after_abandon
    assert (policy.links.worker_s, policy.links.caller_s) == (86400, 7200)
    assert load_policy(SHIPPED) == policy


def test_what_is_left_out_has_the_shipped_value(tmp_path: Path) -> None:
    shipped = load_policy()
    policy = load_policy(write(tmp_path, TIER))
    assert policy.caller == shipped.caller
    assert policy.links == shipped.links
    assert policy.travel == shipped.travel
    assert policy.alerting.tiers == shipped.alerting.tiers[:1]


def write(folder: Path, content: str) -> Path:
    file = folder / "policy.toml"
    file.write_text(content, encoding="utf-8")
    return file


def test_seconds_may_be_fractions_and_the_policy_survives_freezing(tmp_path: Path) -> None:
    content = (
        "[alerting]\nrepeat_s = 0.5\ncall_ring_s = 0.2\nsecond_ring_s = 0.4\n"
        + TIER.replace("30", "0.25")
        + '[travel]\ndetour_factor = 2\n[travel.zone_speed_kmh]\n"Mimika Baru" = 30\n'
    )
    policy = load_policy(write(tmp_path, content))
    assert policy.alerting.tiers[0].accept_within_s == 0.25
    assert policy.travel.zone_speed_kmh == {"Mimika Baru": 30}
    assert from_data(to_data(policy)) == policy


@pytest.mark.parametrize(
    ("content", "key", "reason"),
    [
        ("", "alerting", "missing"),
        ("[alerting]\n", "alerting.tier", "missing"),
        ("[alerting]\ntier = []\n", "alerting.tier", "at least 1"),
        (TIER + "colour = 3\n", "alerting.tier[1].colour", "not a known key"),
        ("[sounds]\n" + TIER, "sounds", "not a known key"),
        (TIER + TIER, "alerting", "two tiers with the name 'jaga'"),
        (TIER.replace('"jaga"', '""'), "alerting.tier[1].name", "pattern"),
        (TIER.replace("= 2", "= 0"), "alerting.tier[1].alert_at_once", "greater than or equal to 1"),
        (TIER.replace("= 2", "= 2.5"), "alerting.tier[1].alert_at_once", "integer"),
        (TIER.replace("= 30", "= 0"), "alerting.tier[1].accept_within_s", "greater than 0"),
        (TIER.replace("= 30", "= -1"), "alerting.tier[1].accept_within_s", "greater than 0"),
        (TIER.replace("= 30", "= inf"), "alerting.tier[1].accept_within_s", "finite"),
        (TIER.replace("= 30", "= nan"), "alerting.tier[1].accept_within_s", "finite"),
        (TIER.replace("= 30", '= "30"'), "alerting.tier[1].accept_within_s", "valid number"),
        (TIER.replace("= 30", "= true"), "alerting.tier[1].accept_within_s", "valid number"),
        (TIER + 'channels = ["fax"]\n', "alerting.tier[1].channels[1]", "'voice' or 'sms'"),
        (TIER + "channels = []\n", "alerting.tier[1].channels", "at least 1"),
        (TIER + 'channels = ["sms", "sms"]\n', "alerting.tier[1]", "twice"),
        (
            TIER + TIER.replace("jaga", "dua").replace("= 30", "= 0"),
            "alerting.tier[2].accept_within_s",
            "greater",
        ),
        ("[alerting]\nsecond_ring_s = 180\n" + TIER, "alerting.second_ring_s", "less than 180"),
        ("[alerting]\nrepeat_s = 0\n" + TIER, "alerting.repeat_s", "greater than 0"),
        (TIER + "[caller]\nalert_after_s = -1\n", "caller.alert_after_s", "greater than or equal to 0"),
        (TIER + "[caller]\ncallback_after_abandon = 1\n", "caller.callback_after_abandon", "boolean"),
        (TIER + "[links]\nworker_s = 0\n", "links.worker_s", "greater than 0"),
        (TIER + "[travel]\ndetour_factor = 0.5\n", "travel.detour_factor", "greater than or equal to 1"),
        (TIER + "[travel.zone_speed_kmh]\nX = 0\n", "travel.zone_speed_kmh.X", "greater than 0"),
        ("[alerting\n", "", "not valid TOML"),
    ],
)
def test_a_bad_policy_is_refused_by_key(tmp_path: Path, content: str, key: str, reason: str) -> None:
    file = write(tmp_path, content)
    with pytest.raises(PolicyError) as raised:
        load_policy(file)
    assert raised.value.file == file
    assert raised.value.key == key
    assert reason in raised.value.reason
    assert str(raised.value).startswith(f"{file}: ")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"nowhere\.toml: cannot be read"):
        load_policy(tmp_path / "nowhere.toml")
