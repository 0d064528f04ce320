"""The instruments that a bench file names: opened, and each seen to be the one that was named."""

import inspect
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np

from crossbar_hil.bench.file import Bench, InstrumentTable
from crossbar_hil.errors import ConfigError, DeadlineError
from crossbar_hil.instrument import NOT_TOLD, Identity, SourceMeter
from crossbar_hil.owners.addresses import check_hardware, is_here, is_simulation, why_no_library, why_no_resource
from crossbar_hil.owners.proof import why_not_emulated
from crossbar_hil.plugins import load
from crossbar_hil.visa_record import is_replayed

ENDS = {"LF": "\n", "CR": "\r", "CRLF": "\r\n"}
"""What may end a message on an RS-232 line."""
Seen = Callable[[str, Identity], None]
"""Told of each instrument that has said who it is, before anything else is sent to it; what it raises ends that."""


def open_instruments(
    bench: Bench,
    rng: np.random.Generator,
    owned: ExitStack,
    resources: Mapping[str, str | None] | None = None,
    *,
    ask: Callable[[str], str] | None = None,
    tell: Callable[[str], None] | None = None,
    seen: Seen = lambda name, identity: None,  # noqa: ARG005 - the signature of one
    patience: Callable[[], float] | None = None,
    silence: Callable[[str, float | None], object] | None = None,
) -> dict[str, Any]:
    """Connect to every instrument of a bench and see that each is the one that the file names.

    Parameters
    ----------
    bench : Bench
        A bench with instruments.
    rng : numpy.random.Generator
        The chip of an emulated bench is drawn from it.
    owned : ExitStack
        Closes the sessions, and the emulated instruments, when it is closed.
    resources, ask, tell, seen, patience, silence
        As of `crossbar_hil.bench.opening.open_backend`.

    Raises
    ------
    ConfigError
        If the file lacks something, or another model or serial number answers.
    TransportError
        If an instrument does not answer.
    """
    if bench.kind not in ("emulated", "hardware"):
        raise ConfigError(
            f"bench {bench.name} has instruments, so its kind must be emulated or hardware, not {bench.kind}"
        )
    resources = resources or find_resources(bench, rng, owned)
    instruments = {}
    for name, table in bench.instruments.items():
        resource = resources[name]
        if resource is None and table.driver != "manual":
            raise ConfigError(
                f"bench {bench.name}: instruments.{name} has no resource, the VISA name of the instrument"
            )
        instrument = open_instrument(name, table, resource or "", ask=ask, tell=tell)
        owned.callback(instrument.close)
        if patience is not None and hasattr(instrument, "heed"):  # not a person
            instrument.heed(patience)
        identity = ask_identity(name, table, instrument)
        if wrong := wrong_identity(name, table, identity):
            raise ConfigError(wrong)
        seen(name, identity)
        if silence is not None and hasattr(instrument, "tell_silence"):
            instrument.tell_silence(silence)
        instruments[name] = instrument
    return instruments


def find_resources(bench: Bench, rng: np.random.Generator, owned: ExitStack) -> Mapping[str, str | None]:
    """Return the VISA resource of every instrument of a bench, None where its file names none.

    An emulated bench whose file names no resource brings its instruments along; they are served until `owned` is
    closed. One that names them is served by somebody else on this machine, such as ``crossbar-hil emulate``.

    Raises
    ------
    ConfigError
        As of `check_addresses`.
    """
    if bench.brings_instruments:
        emulated = load("emulation", "bench")(bench, rng, remembered=False)
        return owned.enter_context(emulated).resources
    check_addresses(bench)
    return {name: table.resource for name, table in bench.instruments.items()}


def check_addresses(bench: Bench) -> None:
    """Refuse a bench whose instruments are where those of its kind cannot be; none of them is spoken to.

    Raises
    ------
    ConfigError
        If an emulated bench names a resource that is none of pyvisa-sim, and at which no emulated instrument of this
        user proves to be; if one of real instruments names one on this machine, see `check_hardware`.
    """
    if is_replayed():  # then none of them is spoken to at all
        return
    named = {name: table.resource for name, table in bench.instruments.items()}
    if bench.kind == "hardware":
        check_hardware(bench.name, named)
    for name, resource in named.items() if bench.kind == "emulated" else ():
        visa = bench.instruments[name].visa
        if resource is None or is_simulation(visa):
            continue
        # A real bench whose file was only relabelled must not be pulsed as if it were an emulated one.
        elsewhere = (
            "is not on the loopback interface of this machine: take the resource lines out, or the kind is hardware"
        )
        why = why_not_emulated(resource, visa) if is_here(resource) else elsewhere
        if why:
            raise ConfigError(f"bench {bench.name} is emulated, but instruments.{name} at {resource} {why}")


def open_instrument(
    name: str,
    table: InstrumentTable,
    resource: str,
    *,
    ask: Callable[[str], str] | None = None,
    tell: Callable[[str], None] | None = None,
) -> Any:
    """Open one instrument; one that is a person is asked on the terminal, by `ask` and `tell` if they are given."""
    why = why_no_library(table.visa, "emulated") or why_no_resource(resource)
    if why:
        raise ConfigError(f"instruments.{name}.{why}")
    driver = load("instruments", table.driver).open
    asks = {"ask": ask or input, "tell": tell or write_to_stderr}
    person = "ask" in inspect.signature(driver).parameters
    line = {} if table.baud is None else {"baud": table.baud, "ends": ENDS[table.ends]}
    more = asks if person else line
    opened = driver(resource, name=name, visa=table.visa, deadline_s=table.deadline_s, **more)
    if table.identity is not None and hasattr(opened, "own_name"):
        opened.own_name = table.identity
    return opened


def ask_identity(name: str, table: InstrumentTable, instrument: Any) -> Identity:
    """Ask an instrument who it is.

    Raises
    ------
    TransportError
        If it does not say; of one that only may be slow, with what to set.
    """
    try:
        identity: Identity = instrument.identify()
    except DeadlineError as error:
        raise DeadlineError(
            f"instruments.{name}: {error}: is it switched on, and is this its address? For a slow link raise "
            f"instruments.{name}.deadline_s, {table.deadline_s:g} s now"
        ) from error
    return identity


def say_silence(tell: Callable[[str], object], name: str, waited_s: float | None) -> None:
    """Say which instrument let its deadline pass while all is being made safe, or None: that it answers again."""
    silent = f"has not answered for {waited_s or 0.0:.1f} s: look at it; everything is being made safe"
    tell(f"instrument {name} {'answers again' if waited_s is None else silent}")


def write_to_stderr(text: str) -> None:
    """Tell the person at the terminal."""
    sys.stderr.write(f"{text}\n")


def wrong_identity(name: str, table: InstrumentTable, found: Identity) -> str:
    """Say what is wrong with who answers; empty if it is the instrument that the bench file names.

    That is the model of the driver, unless the file gives an identity: then one that answers word for word so, in whole
    or by its maker and model. A serial number that a model does not tell cannot be wrong.
    """
    if table.identity is not None:
        whole, named = _fields(_answer(found)), _fields(table.identity)
        if named not in (whole, whole[:2]):
            return f"instruments.{name}: {_answer(found)!r} answers *IDN?, but its identity is {table.identity!r}"
    else:
        # A driver is named by maker and model: keithley2602b answers as model 2602B.
        model = re.sub(r"^[a-z]+?(?=b?\d)", "", table.driver).upper()
        if model not in found.model.upper().replace("-", ""):
            return (
                f"instruments.{name}: a {found.model} answers, but driver {table.driver} is for a {model}; a home-made "
                f"box that works as one is named by identity = {_answer(found)!r}"
            )
    if table.serial is not None and found.serial not in (table.serial, NOT_TOLD):
        return f"instruments.{name}: serial number {found.serial} answers, expected {table.serial}"
    return ""


def _answer(found: Identity) -> str:
    """Return an answer to ``*IDN?`` that was taken apart."""
    serial = "0" if found.serial == NOT_TOLD else found.serial
    return ",".join((found.maker, found.model, serial, found.firmware)).strip(",")


def _fields(answer: str) -> list[str]:
    """Return the fields of an answer to ``*IDN?``, without the word that some makers put before a model."""
    return [re.sub(r"^MODEL +", "", each.strip(), flags=re.IGNORECASE) for each in answer.strip(" ,").split(",")]


def find_source(instruments: Mapping[str, Any], name: str) -> SourceMeter:
    """Return the source channel that a bench file writes as ``smu.a``: instrument, channel letter."""
    instrument, _, letter = name.partition(".")
    if instrument not in instruments or not hasattr(instruments[instrument], "source_meters"):
        raise ConfigError(f"source {name!r}: {instrument!r} is no source-measure unit of this bench")
    channels: list[SourceMeter] = instruments[instrument].source_meters()
    place = "abcdefgh".find(letter) if len(letter) == 1 else -1
    if not 0 <= place < len(channels):
        raise ConfigError(
            f"source {name!r}: {instrument} has {len(channels)} channel(s), a to {'abcdefgh'[len(channels) - 1]}"
        )
    return channels[place]
