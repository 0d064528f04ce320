"""What of a bench file matters to currents and voltages, as a hash: so a bench that was proven is known again."""

import hashlib
import json
from typing import Any

from crossbar_hil.bench.file import Bench


def electrical(bench: Bench) -> dict[str, Any]:
    """Return the settings that matter: instruments, wiring, schemes, ranges and how far pulses may go.

    Not among them are the training, the chip, its name, what it may receive in all, the address of an instrument that
    is known by its serial number, and how long an answer may take.
    """
    instruments = {
        name: {"driver": table.driver, "known by": table.serial or table.resource}
        for name, table in bench.instruments.items()
    }
    limits = bench.limit_table
    return {
        "kind": bench.kind,
        "backend": bench.backend,
        "instruments": instruments,
        "wiring": bench.wiring and bench.wiring.model_dump(mode="json"),
        "scheme": bench.scheme and bench.scheme.model_dump(mode="json"),
        "measurement": bench.measurement and bench.measurement.model_dump(mode="json"),
        "limits": limits and limits.model_dump(mode="json", include={"read_v", "pulse_v", "width_s"}),
    }


def electrical_hash(bench: Bench) -> str:
    """Return the hash of what matters."""
    return hashlib.sha256(json.dumps(electrical(bench), sort_keys=True).encode()).hexdigest()
