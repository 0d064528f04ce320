"""Settings of the Keysight 34980A, of each slot, whose number stands for ``{n}``.

Pages are the names of commands in the 34980A command reference. It has no rule for the order of relays: what opens is
written first, and waited for. Relays to the analog bus (921 and 922 of a slot) join rows 5 and 6 of a module with other
modules and are read back with all others.
"""

from .setting import Action, Asked, Setting, SettingTable, Text

SETTINGS = SettingTable(
    Setting("open_analog_bus", "ROUT:OPEN:ABUS ALL", "", Action(), "ROUTe:OPEN:ABUS", asked=Asked.NEVER),
    Setting("card", "SYST:CTYP",
            "what is in the slot: maker, model, serial number and firmware; model 0 for an empty slot", Text(),
            "SYSTem:CTYPe?", None, Asked.BATCH, query="SYST:CTYP? {n}", settable=False),
)  # fmt: skip

LEFT_OUT = {
    ":CLOS* :OPEN* *RST *RCL :SYST:PRES :SYST:CPON": (
        "which relays are closed is read back after each move and before each batch"
    ),
    ":CHAN:DEL": "of scans",
    ":SYST:MOD:ROW:PROT": "of 34934A modules, which are not used",
    ":SYST:ABUS:INT:SIM": "an interlock that is open shows as a relay that does not close",
    "*SAV *PSC": "what is kept for another day",
    ":DIAG:REL:CYCL:CLE :DISP* :SYST:BEEP* :SYST:LOC :SYST:REM :SYST:RWL :SYST:TIME :SYST:DATE :SYST:ERR:CLE :STAT:*"
    " *CLS *ESE *SRE *OPC *WAI *TRG": "no relay can tell",
}
"""Patterns of what else can be set and is not in the table, and why; ``:ROUT`` is left out, as it may be."""
