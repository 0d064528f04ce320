"""Surveys of a thousand healthy virtual chips with pulses: no cell is accused."""

import pytest

from crossbar_hil.backend import Pulse
from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.survey.on_bench.surveying import healthy_of
from crossbar_hil.survey.surveying import Probe, survey

PROBE = Probe(3, Pulse(2.0, 0.05), Pulse(-2.8, 0.05))
NOISY = {"read_noise": 0.02, "step_spread": 0.3, "step_variation": 0.3}


@pytest.mark.campaign
@pytest.mark.parametrize("effects", [{}, NOISY], ids=["ideal", "noisy"])
def test_of_a_thousand_healthy_chips_none_is_accused(effects):
    bench = load_bench("simulated", overrides={"chip": effects})
    healthy, accused = healthy_of(bench), []
    for seed in range(1000):
        with open_backend(bench, seed=seed) as chip:
            found = survey(chip, read_v=0.1, healthy=healthy, probe=PROBE).verdicts
        if (found != "").any():
            accused.append((seed, sorted({each for each in found.ravel() if each})))
    assert accused == []
