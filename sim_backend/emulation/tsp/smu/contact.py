"""``smuX.contact``: the check of the sense contacts of a 2600B, which are always good here."""

from ..lua.objects import Node, Refused, choice, number
from .source import HIGH_Z, SmuSource

LEAST_LIMIT_A = 1e-3
"""A contact check needs an output-off limit of 1 mA (2600B reference manual, smuX.contact.check)."""


def contact_check(source: SmuSource) -> Node:
    """Make the object of a channel."""

    def ready() -> None:
        off = source.node.values
        if not source.on and off["offmode"] == HIGH_Z:
            raise Refused(5048, "Contact check not valid with HIGH-Z OUTPUT off")
        if not source.on and off["offlimiti"] < LEAST_LIMIT_A:
            raise Refused(5050, "I limit too low for contact check")
        if source.on and not source.sources_voltage:
            raise Refused(5049, "Contact check not valid while an active current source")

    def check() -> bool:
        ready()
        return True

    def resistances() -> tuple[float, float]:
        ready()
        return 0.0, 0.0

    node = Node()
    node.methods |= {"check": check, "r": resistances}
    node.setting("speed", 0.0, choice(0, 1, 2))
    node.setting("threshold", 50.0, number(0, 1000))
    return node
