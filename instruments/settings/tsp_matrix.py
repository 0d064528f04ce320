"""Every setting of a TSP switch matrix (707B, 708B, 3706A) that changes which relays close, in which order, or when.

Names are those of the entries of the Series 707B reference manual, 707B-901-01, and of the Series 3700A one, both
chapter "TSP commands".
"""

from .setting import Asked, Number, Setting, SettingTable, Switch, Words

LONGEST_DELAY_S = 60.0
"""The driver asks for no more; the manuals state no bound."""

TSP_MATRIX = SettingTable(
    Setting(
        name="prompts_enabled",
        command="localnode.prompts",
        query="print(localnode.prompts)",
        does="whether a prompt comes after each message (bool)",
        kind=Switch(),
        value=0,
        asked=Asked.SET_UP,
        page="localnode.prompts",
    ),
    Setting(
        name="shown_errors_enabled",
        command="localnode.showerrors",
        query="print(localnode.showerrors)",
        does="whether errors come by themselves (bool)",
        kind=Switch(),
        value=0,
        asked=Asked.SET_UP,
        page="localnode.showerrors",
    ),
    Setting(
        name="connect_rule",
        command="channel.connectrule",
        query="print(channel.connectrule)",
        does="which relays move first in a command that opens and closes, such as a scan (str)",
        kind=Words(("off", "break before make", "make before break")),
        value="break before make",
        asked=Asked.BATCH,
        page="channel.connectrule",
    ),
    Setting(
        name="sequential_enabled",
        command="channel.connectsequential",
        query="print(channel.connectsequential)",
        does="whether relays move one after the other, and not together (bool)",
        kind=Switch(),
        value=0,
        asked=Asked.BATCH,
        page="channel.connectsequential",
    ),
    Setting(
        name="user_delay",
        command='channel.setdelay("allslots", {value})',
        query='print(channel.getdelay("allslots"))',
        does="the wait after a relay has closed, in seconds (float)",
        kind=Number(0, LONGEST_DELAY_S),
        value=0,
        asked=Asked.SET_UP,
        page="channel.setdelay()",
    ),
)

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
