"""What PyMeasure finds out from the members of a class, once for the class and not for each instrument."""

from typing import Any

from pymeasure.instruments.common_base import CommonBase

_NAMES: dict[type, tuple[list[str], dict[str, Any]]] = {}
_WITHOUT_CHANNELS: set[type] = set()


class KnownMembers(CommonBase):
    """An instrument or a channel that is made in half the time: PyMeasure looks through all members three times."""

    def _setup_special_names(self) -> list[str]:
        """Return the names that PyMeasure forbids, and set what the class says of its properties."""
        kind = type(self)
        if kind not in _NAMES:
            before = set(vars(self))
            names: list[str] = super()._setup_special_names()
            _NAMES[kind] = names, {name: value for name, value in vars(self).items() if name not in before}
        names, said = _NAMES[kind]
        self.__dict__.update(said)
        return list(names)

    def _create_channels(self) -> None:
        kind = type(self)
        if kind in _WITHOUT_CHANNELS:
            return
        if not CommonBase.get_channels(kind):
            _WITHOUT_CHANNELS.add(kind)
            return
        super()._create_channels()
