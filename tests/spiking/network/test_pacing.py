import numpy as np
import pytest

from crossbar_hil.spiking.settings import SpikingSettings, model_of, protocol_of
from crossbar_hil.spiking.tasks.images import Images, Split
from crossbar_hil.spiking.tasks.models import CLASSES, TUNED, TUNED_TEN, tuned_model, tuned_ten_model


def images(count, classes):
    some = Images(np.full((count, 4), 0.5), np.arange(count) % classes)
    return Split(some, some)


@pytest.mark.parametrize(
    ("count", "classes", "given", "share"),
    [
        (999, 5, {}, 1.0),  # as published in docs/spiking_results.md
        (10_000, 10, {}, 1.0),
        (30_000, 5, {}, 64 * 50 / 90_000),
        (60_000, 10, {}, 134 * 150 / 120_000),
        (60_000, 10, {"neurons": 400, "passes": 1}, 134 * 400 / 60_000),
        (30_000, 5, {"homeostasis": "constant"}, 1.0),
    ],
)
def test_thresholds_rise_by_as_much_in_all_however_many_images_there_are(count, classes, given, share):
    split, settings = images(count, classes), SpikingSettings(**given)
    usual = (tuned_ten_model if classes > len(CLASSES) else tuned_model)("siemens").neurons.increment_v
    share = min(1.0, share)
    assert model_of(settings, split).neurons.increment_v == pytest.approx(share * usual)
    rates, exponent = (TUNED_TEN.rates, 0.5) if classes > len(CLASSES) else (TUNED.rates, 0.25)
    assert protocol_of(settings, split).rates == pytest.approx([share**exponent * rate for rate in rates])


def test_the_published_networks_are_as_published_however_many_images_there_are():
    few, many = (model_of(SpikingSettings(preset="siemens"), images(count, 5)) for count in (1000, 30_000))
    assert few.neurons == many.neurons
