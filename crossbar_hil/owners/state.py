"""Where things of this user are kept that outlive a run."""

import os
from collections.abc import Mapping
from pathlib import Path


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder: in ``$XDG_STATE_HOME`` or ``~/.local/state``."""
    state = Path(environ.get("XDG_STATE_HOME", ""))
    # The XDG base directory specification, version 0.8: a relative path is to be ignored.
    return (state if state.is_absolute() else Path.home() / ".local" / "state") / "crossbar-hil"
