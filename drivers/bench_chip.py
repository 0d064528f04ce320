"""The chip backend of a bench file: its tables turned into wiring, settings and schemes."""

from collections.abc import Mapping
from typing import Self

from crossbar_hil.config import Bench
from crossbar_hil.errors import ConfigError
from crossbar_hil.instrument import SourceMeter, SourceSettings, SwitchMatrix

from .chip import ChipBackend
from .parts import check_sources, reading, writing
from .wiring import Wiring


class BenchChip(ChipBackend):
    """A `ChipBackend` that is made from the tables [wiring], [scheme], [measurement] and [limits] of a bench file."""

    @classmethod
    def assemble(cls, bench: Bench, *, sources: Mapping[str, SourceMeter], matrix: SwitchMatrix) -> Self:
        """Make the chip of a bench from instruments that are open.

        Parameters
        ----------
        bench : Bench
            The checked bench file.
        sources : mapping of str to SourceMeter
            Channels, by port.
        matrix : SwitchMatrix
            The relays.

        Raises
        ------
        ConfigError
            If a table is missing or the parts do not make a bench; nothing was sent.
        InstrumentError
            If an instrument refuses or is not as it was set; what could be switched off is off.
        """
        if bench.scheme is None or bench.limits is None:
            raise ConfigError(f"bench {bench.name} needs the tables [scheme] and [limits]")
        wiring = _wiring(bench)
        return cls(
            sources,
            matrix,
            wiring,
            shape=wiring.shape,
            limits=bench.limits,
            settings=_settings(bench, wiring, sources),
            read_scheme=bench.scheme.read,
            write_scheme=bench.scheme.write,
            kind=str(bench.kind),
            disturb_v=bench.scheme.disturb_v,
        )

    @classmethod
    def problems(cls, bench: Bench, *, sources: Mapping[str, SourceMeter], matrix: SwitchMatrix) -> list[str]:
        """Return what is wrong with a bench whose instruments answer, one sentence each; nothing is sent."""
        found: list[str] = []
        try:
            wiring = _wiring(bench)
            wiring.on(matrix)
        except ConfigError as error:
            return list(error.problems)
        if bench.scheme is None:
            return ["[scheme] is missing"]
        needed: set[str] = set()
        guarded = None
        try:
            scheme = reading(bench.scheme.read, wiring, continuity_only=False)
            needed |= set(scheme.sources)
            guarded = scheme.meter if scheme.needs_guard else None
        except ConfigError as error:
            found += error.problems
        try:
            gate = writing(bench.scheme.write, wiring, bench.scheme.disturb_v)
            needed |= set(gate.scheme.sources)
            gate.check(bench.training.amplitude_v)
        except ValueError as error:  # a ConfigError of the scheme or a LimitError of its gate
            found.append(str(error))
        try:
            check_sources(sources, _settings(bench, wiring, sources), wiring, needed=needed, guarded=guarded)
        except ConfigError as error:
            found += error.problems
        return found


def _wiring(bench: Bench) -> Wiring:
    if bench.wiring is None:
        raise ConfigError(f"bench {bench.name} has no [wiring] table, by which its chip is connected")
    table = bench.wiring
    return Wiring(slot=table.slot, ports=table.ports, rows=tuple(table.rows), columns=tuple(table.columns))


def _settings(bench: Bench, wiring: Wiring, sources: Mapping[str, SourceMeter]) -> dict[str, SourceSettings]:
    """How each source is set up: ranges that hold every voltage that the limits allow."""
    if bench.measurement is None or bench.limits is None or bench.scheme is None:
        raise ConfigError(f"bench {bench.name} needs the tables [measurement], [limits] and [scheme]")
    scheme = reading(bench.scheme.read, wiring, continuity_only=False)
    levels = writing(bench.scheme.write, wiring, bench.scheme.disturb_v).scheme.levels(bench.limits.pulse_v)
    return {
        port: SourceSettings(
            range_v=max(bench.limits.read_v, abs(levels.get(port, 0.0))),
            compliance_a=bench.measurement.compliance_a,
            range_a=bench.measurement.range_a,
            nplc=bench.measurement.nplc,
            guard=scheme.needs_guard and port == scheme.meter,
        )
        for port in sources
    }
