"""Every setting of a TSP switch matrix (707B, 708B, 3706A) that changes which relays close, in which order, or when.

Names are those of the entries of the Series 707B reference manual, 707B-901-01, and of the Series 3700A one, both
chapter "TSP commands".
"""

from .setting import Asked, Number, Setting, SettingTable, Switch, Words

LONGEST_DELAY_S = 60.0
"""The driver asks for no more; the manuals state no bound."""

BATCH, ONCE = Asked.BATCH, Asked.SET_UP
TSP_MATRIX = SettingTable(
    Setting("prompts_enabled", "localnode.prompts", "whether a prompt comes after each message (bool)", Switch(),
            "localnode.prompts", 0, ONCE, query="print(localnode.prompts)"),
    Setting("shown_errors_enabled", "localnode.showerrors", "whether errors come by themselves (bool)", Switch(),
            "localnode.showerrors", 0, ONCE, query="print(localnode.showerrors)"),
    Setting("connect_rule", "channel.connectrule",
            "which relays move first in a command that opens and closes, such as a scan (str)",
            Words(("off", "break before make", "make before break")), "channel.connectrule", "break before make", BATCH,
            query="print(channel.connectrule)"),
    Setting("sequential_enabled", "channel.connectsequential",
            "whether relays move one after the other, and not together (bool)", Switch(), "channel.connectsequential",
            0, BATCH, query="print(channel.connectsequential)"),
    Setting("user_delay", 'channel.setdelay("allslots", {value})',
            "the wait after a relay has closed, in seconds (float)", Number(0, LONGEST_DELAY_S), "channel.setdelay()",
            0, ONCE, query='print(channel.getdelay("allslots"))'),
)  # fmt: skip

LEFT_OUT = {
    "channel.setforbidden()": "it protects what its owner chose; a channel that it keeps open is refused with an error",
    "channel.setbackplane(), channel.setpole()": (
        "every relay that is closed, one of the backplane too, is read back after each move and before each batch"
    ),
    "channel.setlabel*(), channel.pattern.*": "other names for channels, which are not used",
    "scan.*": "a scan that runs is found by the relays that it moves",
    "slot[X].pseudocard": "a slot with a pseudocard is refused when the matrix is set up",
    "slot[X].interlock.override": "it suppresses an error only: the relay that stays open is read back",
    "format.*": "a matrix answers in words, names of channels and whole numbers, which fewer digits do not change",
    "trigger.*": "timers and blenders move a relay through a scan only",
    "dmm.*, schedule.*, ptp.*, localnode.*, beeper.*, comm.*, digio.*, display.*, gpib.*, setup.poweron, status.*, "
    "tsplink.*": "no relay of a matrix card can tell",
}
"""What is not in the table, and why."""
