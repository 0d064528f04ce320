"""Settings of the Keysight B2200A and B2201A, of each card, whose number stands for ``{n}``; 0 is all cards as one.

Pages are those of the B2200A/B2201A user's guide. A mode that connects outputs by itself is off: nothing but a command
moves a relay then, so its port and the outputs that take part in it are of no account.
"""

from .setting import Asked, Setting, SettingTable, Switch, Words

BATCH = Asked.BATCH
SETTINGS = SettingTable(
    Setting("configuration", ":FUNC",
            "whether all cards are one matrix, card 0, or each is one by itself; a change opens every relay",
            Words(("ACON", "NCON")), "5-39", None, BATCH),
    Setting("bias_enabled", ":BIAS {n},", "whether unused outputs are connected to the bias input", Switch(), "5-33",
            False, BATCH, query=":BIAS? {n}"),
    Setting("ground_enabled", ":AGND {n},", "whether unused outputs are connected to the ground input", Switch(),
            "5-33", False, BATCH, query=":AGND? {n}"),
    Setting("couple_enabled", ":COUP {n},", "whether inputs are connected in pairs", Switch(), "5-33", False, BATCH,
            query=":COUP? {n}"),
    Setting("connection_rule", ":CONN:RULE {n},", "the connection rule, SROU being one route for each input and output",
            Words(("FREE", "SROU")), "5-39", "FREE", BATCH, query=":CONN:RULE? {n}"),
    Setting("connection_sequence", ":CONN:SEQ {n},", "the order of opening and closing", Words(("BBM", "MBBR", "NSEQ")),
            "5-39", "BBM", BATCH, query=":CONN:SEQ? {n}"),
)  # fmt: skip

LEFT_OUT = {
    ":CLOS :OPEN* *RST *RCL :SYST:CPON": "which relays are closed is read back after each move and before each batch",
    ":BIAS:* :AGND:* :COUP:*": "of modes that are off, and that is told",
    "*SAV": "what is kept for another day",
    ":SYMB:CHAN": "names of outputs at the panel",
    ":STAT:* :SYST:ERR:CLE *CLS *ESE *SRE *OPC *WAI *TRG": "no relay can tell",
}
"""Patterns of what else can be set and is not in the table, and why; ``:ROUT`` is left out, as it may be."""
