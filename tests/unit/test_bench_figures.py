"""What the benchmark calculates from its measurements; wrong here, every figure would be wrong."""

import json

import pytest
from twilio.request_validator import RequestValidator

from bench import webhook
from bench.figures import Figure, of_rates, of_rounds, percentile, ratio, spread, table


@pytest.mark.parametrize(
    ("share", "expected"), [(0.01, 10), (0.2, 10), (0.21, 20), (0.5, 30), (0.95, 50), (0.99, 50), (1, 50)]
)
def test_a_percentile_is_a_measured_value_by_nearest_rank(share: float, expected: float) -> None:
    assert percentile([50, 20, 40, 10, 30], share) == expected


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_the_spread_says_how_far_rounds_lie_apart() -> None:
    assert spread([90, 100, 120]) == pytest.approx(0.3)
    assert spread([7]) == 0


def test_rounds_give_percentiles_over_all_values_and_a_median_each() -> None:
    figure = of_rounds("a", "ms", [[1, 2, 3], [4, 5, 60]])
    assert (figure.median, figure.p95, figure.p99, figure.rounds) == (3, 60, 60, (2, 5))


@pytest.mark.parametrize(("rates", "met"), [([30, 20, 26], True), ([30, 20, 24], False)])
def test_a_rate_is_held_against_its_target_by_the_median(rates: list[float], met: bool) -> None:
    figure = of_rates("a", "/s", rates, at_least=25)
    assert (figure.median, figure.target, figure.met) == (sorted(rates)[1], "≥ 25", met)


def test_a_ratio_compares_round_by_round() -> None:
    # The second round was disturbed, both sides alike: the ratio must not show it.
    figure = ratio("a", [20, 200, 33], [10, 100, 15], at_most=2)
    assert figure.rounds == (2, 2, 2.2)
    assert (figure.median, figure.limit, figure.met) == (2, 15, True)


def test_the_file_has_the_shape_of_the_contract() -> None:
    entry = of_rounds("a", "ms", [[1.0], [2.0]], limit=0.5, target="≤ 5", met=True).as_data()
    assert json.loads(json.dumps(entry)) == {
        "name": "a",
        "unit": "ms",
        "median": 1.0,
        "p95": 2.0,
        "p99": 2.0,
        "rounds": [1.0, 2.0],
        "limit": 0.5,
        "target": "≤ 5",
        "met": True,
    }


def test_the_table_shows_what_is_missed() -> None:
    shown = table(
        [
            of_rates("slow", "/s", [10, 11], at_least=25),
            Figure(name="unasked", unit="MiB", median=143.2),
        ]
    )
    head, rule, slow, unasked = (line.split("|") for line in shown.splitlines())
    assert len({len(head), len(rule), len(slow), len(unasked)}) == 1
    assert [cell.strip() for cell in slow[1:-1]] == [
        "slow",
        "10.5",
        "",
        "",
        "/s",
        "2",
        "10%",
        "",
        "≥ 25",
        "NO",
    ]
    assert [cell.strip() for cell in unasked[1:-1]] == ["unasked", "143", "", "", "MiB", *[""] * 5]


def test_a_webhook_is_signed_as_the_provider_signs() -> None:
    # Checked by the provider's own library, which the server uses.
    form = webhook.incoming("CA1", "+628110000001", Digits="3")
    url = "http://127.0.0.1:8911/telephony/voice"
    assert RequestValidator(webhook.TOKEN).validate(url, form, webhook.signature(url, form))
    head, _, body = webhook.post(url, form).partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
