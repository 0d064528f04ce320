"""What the tables of a bench file become when its chip is made from open instruments."""

import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.drivers.bench_chip import BenchChip
from crossbar_hil.errors import ConfigError, LimitError
from crossbar_hil.instrument import SourceSettings

MORE = {
    "measurement": {"nplc": 2.0, "discharge_s": 0.125},
    "limits": {"read_v": 0.25, "pulse_v": 3.0},
    "scheme": {"disturb_v": 1.75},
}


def test_every_number_of_a_bench_file_reaches_the_instruments(fakes):
    bench, prepared, waits = fakes.FakeBench(fakes.drawn_chip()), {}, []
    for port, source in bench.sources.items():
        source.prepare = lambda settings, port=port: prepared.update({port: settings})
    bench.matrix.wait = waits.append
    table = load_bench("emulated", overrides=MORE)
    chip = BenchChip.assemble(table, sources=bench.sources, matrix=bench.matrix, spent=([[7] * 4] * 4, [[0.0] * 4] * 4))
    # By hand: half of a pulse of 3 V on each source.
    settings = SourceSettings(range_v=1.5, compliance_a=1e-4, range_a=1e-4, nplc=2.0, guard=False, read_range_a=1e-5)
    assert prepared == {"drive": settings, "meter": settings}
    assert set(waits) == {0.125}
    assert (chip.kind, chip.limits, chip.identify()["disturb_v"]) == ("emulated", table.limits, 1.75)
    assert chip.spent.pulses.tolist() == [[7] * 4] * 4
    with pytest.raises(LimitError, match=r"0\.3 V"):
        chip.line_conductances(0.3)


@pytest.mark.parametrize("lacking", ["measurement", "scheme"])
def test_a_bench_without_one_of_its_tables_is_no_chip(fakes, lacking):
    bench, table = fakes.FakeBench(fakes.drawn_chip()), load_bench("emulated").model_copy(update={lacking: None})
    with pytest.raises(ConfigError, match=r"needs the tables \[measurement\], \[limits\] and \[scheme\]"):
        BenchChip.assemble(table, sources=bench.sources, matrix=bench.matrix)
    assert bench.journal == []
