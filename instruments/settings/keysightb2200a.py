"""Settings of the Keysight B2200A and B2201A, of each card, whose number stands for ``{n}``; 0 is all cards as one.

Pages are those of the B2200A/B2201A user's guide. A mode that connects outputs by itself is off: nothing but a command
moves a relay then, so its port and the outputs that take part in it are of no account.
"""

from functools import partial

from .setting import Asked, Setting, SettingTable, Switch, Words

_mode = partial(Setting, kind=Switch(), value=False, asked=Asked.BATCH)
SETTINGS = SettingTable(
    Setting(
        name="configuration",
        command=":FUNC",
        does="whether all cards are one matrix, card 0, or each is one by itself; a change opens every relay",
        kind=Words(("ACON", "NCON")),
        page="5-39",
        asked=Asked.BATCH,
    ),
    _mode(
        name="bias_enabled",
        command=":BIAS {n},",
        query=":BIAS? {n}",
        does="whether unused outputs are connected to the bias input",
        page="5-33",
    ),
    _mode(
        name="ground_enabled",
        command=":AGND {n},",
        query=":AGND? {n}",
        does="whether unused outputs are connected to the ground input",
        page="5-33",
    ),
    _mode(
        name="couple_enabled",
        command=":COUP {n},",
        query=":COUP? {n}",
        does="whether inputs are connected in pairs",
        page="5-33",
    ),
    Setting(
        name="connection_rule",
        command=":CONN:RULE {n},",
        query=":CONN:RULE? {n}",
        does="the connection rule, SROU being one route for each input and output",
        kind=Words(("FREE", "SROU")),
        value="FREE",
        page="5-39",
        asked=Asked.BATCH,
    ),
    Setting(
        name="connection_sequence",
        command=":CONN:SEQ {n},",
        query=":CONN:SEQ? {n}",
        does="the order of opening and closing",
        kind=Words(("BBM", "MBBR", "NSEQ")),
        value="BBM",
        page="5-39",
        asked=Asked.BATCH,
    ),
)

LEFT_OUT = {
    ":CLOS :OPEN* *RST *RCL :SYST:CPON": "which relays are closed is read back after each move and before each batch",
    ":BIAS:* :AGND:* :COUP:*": "of modes that are off, and that is told",
    "*SAV": "what is kept for another day",
    ":SYMB:CHAN": "names of outputs at the panel",
    ":STAT:* :SYST:ERR:CLE *CLS *ESE *SRE *OPC *WAI *TRG": "no relay can tell",
}
"""Patterns of what else can be set and is not in the table, and why; ``:ROUT`` is left out, as it may be."""
