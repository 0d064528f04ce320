"""The chip backend of a bench file: its tables turned into wiring, settings and schemes."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Self

from numpy.typing import ArrayLike

from crossbar_hil.arrays import FloatArray
from crossbar_hil.bench.file import Bench
from crossbar_hil.commissioning.trial import TrialPlan
from crossbar_hil.errors import ConfigError, DataError, InstrumentError, LimitError
from crossbar_hil.instrument import SourceMeter, SourceSettings, SwitchMatrix
from crossbar_hil.text import quantity

from .chip import ChipBackend
from .gate.currents import CellCurrent, largest_pulse_currents, largest_read_currents, ohmic
from .gate.disturb import DisturbLimit
from .parts import (
    ability_problems,
    check_read_scheme,
    check_width,
    check_write_scheme,
    placement_problems,
)
from .safe import make_safe
from .schemes.read_choice import choose_reading
from .schemes.read_schemes import Floating, ReadScheme, read_scheme
from .schemes.trial import trial_plan
from .schemes.wiring import Wiring
from .schemes.write_schemes import write_scheme


class BenchChip(ChipBackend):
    """A `ChipBackend` that is made from the tables [wiring], [scheme], [measurement] and [limits] of a bench file."""

    @classmethod
    def assemble(
        cls,
        bench: Bench,
        *,
        sources: Mapping[str, SourceMeter],
        matrix: SwitchMatrix,
        spent: tuple[ArrayLike, ArrayLike] | None = None,
        on_trial: bool = False,
    ) -> Self:
        """Make the chip of a checked bench from instruments that are open.

        Parameters
        ----------
        sources : mapping of str to SourceMeter
            Channels, by port.
        spent : tuple of array_like, optional
            Pulses and dose, in volt seconds, that each cell has received before; (R, C) each.
        on_trial : bool
            Whether there is no chip, so that lines may be left open.

        Raises
        ------
        ConfigError
            If a table is missing or the parts do not make a bench; nothing was sent.
        InstrumentError
            If an instrument refuses or is not as it was set; what could be switched off is off.
        """
        if bench.scheme is None or bench.limits is None or bench.measurement is None:
            raise ConfigError(f"bench {bench.name} needs the tables [measurement], [limits] and [scheme]")
        if not isinstance(matrix, SwitchMatrix):
            raise ConfigError(f"bench {bench.name}: wiring.matrix names an instrument that is no switch matrix")
        wiring = _wiring(bench)
        read = check_read_scheme(bench.scheme.read, wiring, continuity_only=False)
        write = check_write_scheme(bench.scheme.write, wiring, bench.scheme.disturb_v)
        return cls(
            sources,
            matrix,
            wiring,
            shape=wiring.shape,
            limits=bench.limits,
            settings=_settings(bench, read, write, sources),
            read_scheme=read.name,
            write_scheme=write.scheme.name,
            kind=str(bench.kind),
            disturb_v=bench.scheme.disturb_v,
            spent=spent,
            discharge_s=bench.measurement.discharge_s,
            on_trial=on_trial,
            read_by=bench.scheme.read_by,
            zero_every=bench.scheme.zero_every,
        )

    @classmethod
    def trial_plan(cls, bench: Bench) -> TrialPlan:
        """Return the states in which a bench on trial can be seen.

        Raises
        ------
        ConfigError
            If its tables make no schemes.
        """
        if bench.scheme is None:
            raise ConfigError(f"bench {bench.name} has no [scheme] table")
        wiring = _wiring(bench)
        read = check_read_scheme(bench.scheme.read, wiring, continuity_only=False)
        write = check_write_scheme(bench.scheme.write, wiring, bench.scheme.disturb_v).scheme
        return trial_plan(read, write, Floating(wiring.ports), wiring.shape)

    @classmethod
    def reading(cls, bench: Bench, voltages: FloatArray) -> str:
        """Say how a bench reads a batch of (P, R) row voltages, and what the other way would cost; nothing is sent."""
        if bench.scheme is None:
            return ""
        wiring = _wiring(bench)
        read = check_read_scheme(bench.scheme.read, wiring, continuity_only=False)
        choice, _ = choose_reading(read, voltages, wiring.shape[1], bench.scheme.read_by)
        zero = bench.scheme.zero_every
        return f"{choice}{f'; a zero reading serves {zero} batches' if zero > 1 else ''}"

    @classmethod
    def problems(
        cls,
        bench: Bench,
        *,
        sources: Mapping[str, SourceMeter],
        matrix: SwitchMatrix | None,
        largest_siemens: float | None = None,
        cell_current: CellCurrent | None = None,
    ) -> list[str]:
        """Return what is wrong with a bench, one sentence each; nothing is sent.

        Parameters
        ----------
        bench : Bench
            The bench file; tables that are missing are not judged.
        sources : mapping of str to SourceMeter
            The channels that there are, by port; the others are judged by the file alone.
        matrix : SwitchMatrix, optional
            The relays, if they are there.
        largest_siemens : float, optional
            Conductance up to which the ranges must hold the currents of every cell, in siemens.
        cell_current : callable, optional
            Current of a cell of some conductance at some voltage; ohmic if not given.
        """
        found: list[str] = []
        if bench.wiring is None:
            return found
        try:
            wiring = _wiring(bench)
        except ConfigError as error:  # of the schemes only the names can be judged without one
            found += error.problems
            for make, name in ((read_scheme, "read"), (write_scheme, "write")) if bench.scheme else ():
                with _collecting(found):
                    make(getattr(bench.scheme, name), bench.wiring.ports)
            return found
        if matrix is not None:
            with _collecting(found):
                wiring.on(matrix)
        read = write = None
        if bench.scheme is not None:
            with _collecting(found):
                read = check_read_scheme(bench.scheme.read, wiring, continuity_only=False)
            with _collecting(found):
                write = check_write_scheme(bench.scheme.write, wiring, bench.scheme.disturb_v)
                write.check(bench.training.amplitude_v)
        scheme = write.scheme if write else None
        names = bench.wiring.sources
        needed = {*(read.sources if read else ()), *(scheme.sources if scheme else ())}
        found += placement_problems(names, names, wiring, needed)
        settings = _settings(bench, read, write, names)
        found += ability_problems(sources, settings, read, scheme)
        if scheme is not None:
            with _collecting(found):
                check_width(bench.training.width_s, [sources[port] for port in scheme.sources if port in sources])
        if largest_siemens is not None and bench.measurement is not None and bench.limits is not None:
            with _collecting(found):
                found += _range_problems(bench, wiring.shape, read, write, largest_siemens, cell_current or ohmic)
        return found

    @staticmethod
    def rescue(sources: Iterable[SourceMeter], matrices: Iterable[SwitchMatrix]) -> list[str]:
        """Make safe what is left of a bench; return what failed or is not confirmed, nothing if all is safe."""
        try:
            make_safe(sources, *matrices)
        except InstrumentError as error:
            return [str(error)]
        return []


def _wiring(bench: Bench) -> Wiring:
    if bench.wiring is None:
        raise ConfigError(f"bench {bench.name} has no [wiring] table, by which its chip is connected")
    table = bench.wiring
    return Wiring(slot=table.slot, ports=table.ports, rows=tuple(table.rows), columns=tuple(table.columns))


def _settings(
    bench: Bench, read: ReadScheme | None, write: DisturbLimit | None, ports: Iterable[str]
) -> dict[str, SourceSettings]:
    """How each source is set up: its range holds every voltage that the limits allow. None without those tables."""
    if bench.measurement is None or bench.limits is None:
        return {}
    volts = write.scheme.source_volts(bench.limits.pulse_v) if write else {}
    return {
        port: SourceSettings(
            range_v=max(bench.limits.read_v, abs(volts.get(port, 0.0))),
            compliance_a=bench.measurement.compliance_a,
            range_a=bench.measurement.range_a,
            nplc=bench.measurement.nplc,
            guard=read is not None and read.needs_guard and port == read.meter,
            read_range_a=bench.measurement.read_range_a,
        )
        for port in ports
    }


def _range_problems(
    bench: Bench,
    shape: tuple[int, int],
    read: ReadScheme | None,
    write: DisturbLimit | None,
    siemens: float,
    cell_current: CellCurrent,
) -> Iterator[str]:
    """Name the ranges and current limits that do not hold what the limits allow on the chip that the file describes."""
    table, limits, names = bench.measurement, bench.limits, bench.wiring.sources if bench.wiring else {}
    if table is None or limits is None:
        return
    reads = largest_read_currents(read, shape, siemens, limits.read_v, cell_current) if read else {}
    pulses = largest_pulse_currents(write.scheme, shape, siemens, limits.pulse_v, cell_current) if write else {}
    meter = {port: most for port, most in reads.items() if read and port in read.meters}
    if table.read_range_a is None:
        expected = [("a read", limits.read_v, "range_a", table.range_a, reads)]
    else:  # the meters alone have another range in reads
        others = {port: most for port, most in reads.items() if port not in meter}
        expected = [
            ("a read", limits.read_v, "read_range_a", table.read_range_a, meter),
            ("a read", limits.read_v, "range_a", table.range_a, others),
        ]
    expected += [
        ("a read", limits.read_v, "compliance_a", table.compliance_a, reads),
        ("a pulse", limits.pulse_v, "range_a", table.range_a, pulses),
        ("a pulse", limits.pulse_v, "compliance_a", table.compliance_a, pulses),
    ]
    for what, volt, key, bound, currents in expected:
        port, most = max(currents.items(), key=lambda each: each[1], default=("", 0.0))
        if not most < bound:
            yield (
                f"measurement.{key} of {quantity(bound, 'A')} does not hold {quantity(most, 'A')}, which "
                f"{names.get(port, port)} delivers in {what} of {quantity(volt, 'V')} when every cell has the "
                f"{quantity(siemens, 'S')} that [chip] allows"
            )


@contextmanager
def _collecting(found: list[str]) -> Iterator[None]:
    """Take the sentences of an error instead of letting it through."""
    try:
        yield
    except ConfigError as error:
        found += error.problems
    except (LimitError, DataError) as error:
        found.append(str(error))
