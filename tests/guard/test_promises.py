"""What docs/safety.md promises in numbers is what the code goes by."""

from pathlib import Path

import pytest

from crossbar_hil.drivers import direction, safe
from crossbar_hil.drivers.schemes import write_schemes
from crossbar_hil.guard import client, keeper, service, watch
from crossbar_hil.owners import takeover

DOCS = Path(__file__).parents[2] / "docs"
BEAT_S, AWAY_S = 1.0, 5.0
PROMISED = {
    "three beats of a second are missed: the bench is made safe | 5 s": (
        (service.BEAT_S, BEAT_S), (service.MISSED, 3),
    ),
    "starts a second guard, which makes the bench safe | 5 s, 10 s if it hangs": ((client.SILENCE_S, AWAY_S),),
    "it has a quarter of its deadline left; the others are made safe": ((keeper.IN_HASTE, 0.25),),
    "and tried again every second for a minute": ((service.RETRY_S, 1.0), (service.SAFE_WITHIN_S, 60.0)),
    "does not answer within half of another, keeps no relay closed": ((safe.AT_FIRST, 0.5),),
    "kills it if it has not ended after 5 s": ((takeover.PATIENCE_S, AWAY_S),),
    "with the voltage (up to 1 % of the range, and up to 0.19 % in the mean of the last hundred pulses)": (
        (direction.AGAINST, 0.01), (round(direction.most_against(direction.LAST), 6), 0.0019), (direction.LAST, 100),
    ),
    "held only against 20 times what the cells can give": ((watch.FAR, 20.0),),
}  # fmt: skip
"""A sentence of the page, and what it says of each number."""


@pytest.mark.parametrize("sentence", PROMISED)
def test_a_number_that_the_page_promises_is_that_of_the_code(sentence):
    page = " ".join((DOCS / "safety.md").read_text(encoding="utf-8").split())
    assert sentence in page
    for found, promised in PROMISED[sentence]:
        assert found == promised


def test_what_follows_from_those_numbers_is_within_what_is_promised():
    assert service.BEAT_S * service.MISSED + 2.0 <= AWAY_S  # safe 2 s after the trainer counts as gone
    # A mute instrument keeps the others waiting for its deadline of 1 s and for what it has besides.
    assert 1.0 + safe.AT_FIRST + safe.AT_LAST < 2.0
    assert service.FLUSH_S < client.SILENCE_S  # a guard that ends is heard out before it is killed
    assert takeover.KILLED_S + takeover.GONE_S <= takeover.PATIENCE_S
    assert service.SAFE_WITHIN_S + 10.0 <= 70.0


def test_a_cell_counts_as_pulsed_from_the_share_on_that_the_pages_say():
    for page in ("bench.md", "bench_files.md"):
        assert "55 % of" in (DOCS / page).read_text(encoding="utf-8")
    assert write_schemes.DISTURB_SHARE == 0.55
