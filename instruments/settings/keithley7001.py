"""Settings of the Keithley 7001 and 7002, of each slot, whose number stands for ``{n}``.

The manual was not at hand: these are what public programs for the 7001 ask and set. A command for break-before-make is
in none of them, so none is sent: what opens is written first, and waited for.
"""

from .setting import Asked, Number, Setting, SettingTable, Words

CARD = "C7012"
"""How a slot names a 7012 matrix card of 4 rows and 10 columns."""
SETTINGS = SettingTable(
    Setting("card_type", ":ROUT:CONF:SLOT{n}:CTYP",
            "which card the slot is taken to hold, which says how its channels are numbered", Words(()),
            "public programs", None, Asked.BATCH, settable=False),
    Setting("settling_time", ":ROUT:CONF:SLOT{n}:STIM",
            "the time in seconds that a move takes beyond that of the relays", Number(0, 99999.999, "%.3f"),
            "public programs", None, Asked.BATCH),
)  # fmt: skip

LEFT_OUT = {
    ":CLOS :OPEN* *RST *RCL :SYST:PRES :INIT :ABOR *TRG :SCAN* :MEM:*": (
        "which relays are closed is read back after each move and before each batch"
    ),
    ":CONF:SLOT:POLE": "of cards that are no matrix",
    "*SAV": "what is kept for another day",
    ":OUTP:TTL* :SENS:TTL* :DISP:* :STAT:* :SYST:CLE *CLS *ESE *SRE *OPC *WAI": "no relay can tell",
}
"""Patterns of what else can be set and is not in the table, and why; ``:ROUT`` is left out, as it may be."""
