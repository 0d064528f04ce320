"""One channel of a 2600B: the object ``smua`` or ``smub``."""

from ..lua.objects import SERIOUS, Node, Only, Refused, Row, Value, choice, number
from ..settings import save_buffer
from .measure import SmuMeasure
from .sweep import SmuTrigger

VOLTAGE_LIMIT, CURRENT_LIMIT = 1, 2
CALA = 3
CONSTANTS = {
    "OUTPUT_DCAMPS": 0, "OUTPUT_DCVOLTS": 1, "OUTPUT_OFF": 0, "OUTPUT_ON": 1, "OUTPUT_HIGH_Z": 2,
    "OUTPUT_NORMAL": 0, "OUTPUT_ZERO": 1, "SENSE_LOCAL": 0, "SENSE_REMOTE": 1, "SENSE_CALA": 3,
    "DISABLE": 0, "ENABLE": 1, "ASYNC": 2, "AUTORANGE_OFF": 0, "AUTORANGE_ON": 1, "AUTORANGE_FOLLOW_LIMIT": 2,
    "AUTOZERO_OFF": 0, "AUTOZERO_ONCE": 1, "AUTOZERO_AUTO": 2, "SOURCE_IDLE": 0, "SOURCE_HOLD": 1,
    "LIMIT_AUTO": 0, "DELAY_OFF": 0, "DELAY_AUTO": -1, "OE_NONE": 0, "OE_OUTPUT_OFF": 1,
    "FILTER_MOVING_AVG": 0, "FILTER_REPEAT_AVG": 1, "FILTER_MEDIAN": 2,
    "SETTLE_SMOOTH_100NA": 4, "SETTLE_FAST_ALL": 128, "FILL_ONCE": 0, "FILL_WINDOW": 1, "FILTER_OFF": 0, "FILTER_ON": 1,
    "REL_OFF": 0, "REL_ON": 1, "CONTACT_FAST": 0, "CONTACT_MEDIUM": 1, "CONTACT_SLOW": 2,
    "SETTLE_SMOOTH": 0, "SETTLE_FAST_RANGE": 1, "SETTLE_FAST_POLARITY": 2, "SETTLE_DIRECT_IRANGE": 3,
}  # fmt: skip
SETTINGS: tuple[Row, ...] = (
    ("", Only.CONSTANT, CONSTANTS),
    ("measure", number(1, 99), {"highcrangedelayfactor": 10.0}),
    ("measure.filter", choice(0, 1, 2), {"type": 1.0}),
    ("source", choice(0, 1), {"sink": 0.0}),
    ("source", choice(0, 1, 2, 3, 4, 128), {"settling": 0.0}),
    ("source", choice(0, 1), {"outputenableaction": 0.0}),
)
"""What a channel only keeps or tells."""
ANALOG_FILTER: Row = ("measure", choice(0, 1), {"analogfilter": 1.0})
"""Of the models with ranges of 1 nA and below (manual, smuX.measure.analogfilter); it does nothing here."""
CONTACT: tuple[Row, ...] = (
    ("contact", choice(0, 1, 2), {"speed": 0.0}),
    ("contact", number(0, 1000), {"threshold": 50.0}),
    ("contact", Only.ANSWERED, {"check": True, "r": (0.0, 0.0)}),
)
"""Of the models that have it (manual, smuX.contact.threshold); every contact is good."""
LEAST_HIGHC_A = 1e-6
FOLLOW_LIMIT = 2.0


class Smu:
    """Source, measure and trigger of a channel, put together."""

    def __init__(self, place: int, measure: SmuMeasure, trigger: SmuTrigger) -> None:
        self.place, self.source, self.measure, self.trigger = place, measure.source, measure, trigger
        self.limits_seen = 0
        self.node = node = Node(owner=self)
        node.children |= {"source": self.source.node, "measure": measure.node, "trigger": trigger.node}
        node.children |= {f"nvbuffer{number_of}": buffer.node for number_of, buffer in enumerate(measure.buffers, 1)}
        node.setting("sense", 0.0, self._check_sense)
        self.source.node.setting("highc", 0.0, choice(0, 1), self._obey_highc)
        node.methods |= {"reset": self.reset, "abort": self.abort, "makebuffer": measure.make_buffer}
        node.methods["savebuffer"] = save_buffer
        node.keep(SETTINGS)
        if self.source.model.analog_filter:
            node.keep([ANALOG_FILTER])
        if self.source.model.contact_check:
            node.keep(CONTACT)
        self._lock_autorange()
        self.source.step_taken = measure.wait_for_source
        measure.four_wire = lambda: bool(node.values["sense"])
        measure.on_limit = self.note_limit
        self.source.node.attribute("compliance", self._compliance)

    def abort(self) -> None:
        """End what goes on in the background."""
        self.trigger.abort()
        self.source.refresh()

    def reset(self) -> None:
        """Switch off and go to the defaults."""
        self.trigger.reset()
        self.source.reset()
        self.measure.reset()
        self.node.values["sense"] = 0.0
        self.limits_seen = 0

    def _check_sense(self, value: Value) -> float:
        mode = choice(0, 1, 3)(value)
        if mode == CALA:
            raise Refused(5011, "Operation not permitted while cal is locked")
        return mode

    def _obey_highc(self) -> None:
        """Raise limit and ranges to those of the high-capacitance mode (manual, smuX.source.highc)."""
        source, measure = self.source, self.measure
        if not source.node.values["highc"]:
            return
        measure.node.values["autorangei"] = FOLLOW_LIMIT
        for values in (source.node.values, measure.node.values):
            values["lowrangei"] = max(values["lowrangei"], LEAST_HIGHC_A)
        source.ranges.fixed["i"] = max(source.ranges.fixed["i"], LEAST_HIGHC_A)
        source.node.values["limiti"] = max(source.node.values["limiti"], LEAST_HIGHC_A)
        source.refresh()

    def _lock_autorange(self) -> None:
        """Refuse another current autorange in the high-capacitance mode."""
        node = self.measure.node

        def put(value: Value) -> None:
            if self.source.node.values["highc"] and value != FOLLOW_LIMIT:
                raise Refused(5069, "Autorange locked for HighC mode", SERIOUS)
            node.set("autorangei", value)

        node.setters["autorangei"] = put

    def note_limit(self, limited: bool) -> None:
        """Keep the state of the limit for the status register, which only a measurement brings up to date."""
        bit = CURRENT_LIMIT if self.source.sources_voltage else VOLTAGE_LIMIT
        self.limits_seen = bit if limited else 0

    def limit_state(self) -> float:
        """Return bit 1 for a voltage limit, bit 2 for a current limit, as of the last measurement."""
        return float(self.limits_seen)

    def _compliance(self) -> bool:
        limited = self.source.in_compliance()
        self.note_limit(limited)
        return limited
