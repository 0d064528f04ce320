"""What PyMeasure finds out from the members of a class, once for the class and not for each instrument."""

from typing import Any

from pymeasure.instruments.common_base import CommonBase

_NAMES: dict[type, tuple[list[str], dict[str, Any]]] = {}
_CHANNELS: dict[type, list[tuple[str, Any]]] = {}


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
        """Make the channels that the class names, as PyMeasure does."""
        kind = type(self)
        if kind not in _CHANNELS:
            _CHANNELS[kind] = CommonBase.get_channels(kind)
        for name, creator in _CHANNELS[kind]:
            place = "collection" if isinstance(creator, CommonBase.MultiChannelCreator) else "attr_name"
            for channel, number in creator.pairs:
                self.add_child(channel, number, **{place: name}, **creator.kwargs)._protected = True
