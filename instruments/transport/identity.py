"""The answer to ``*IDN?``, taken apart."""

from crossbar_hil.errors import GarbledReply
from crossbar_hil.instrument import Identity


def parse_identity(reply: str, where: str, own: str = "") -> Identity:
    """Return maker, model, serial number and firmware.

    The word ``Model`` before a model is left out, and what follows the third comma is all firmware.

    >>> parse_identity("Keithley Instruments Inc., Model 2602B, 1398687, 3.0.0", "smu").model
    '2602B'

    Parameters
    ----------
    reply : str
        The answer.
    where : str
        Who answered, for the message.
    own : str
        What a home-made box answers, word for word, if it may be of any form.

    Raises
    ------
    GarbledReply
        If there are fewer than four fields, or an empty model.
    """
    fields = [field.strip() for field in reply.strip().strip('"').split(",", 3)]
    if len(fields) < 4 and own and reply.strip() == own.strip():
        fields = [*fields, "", "", ""][:4] if len(fields) > 1 else ["", reply.strip(), "", ""]
    if len(fields) < 4:
        raise GarbledReply(f"{where} answered {reply!r} to *IDN?, which is not maker, model, serial number, firmware")
    maker, model, serial, firmware = fields
    if model.upper().startswith("MODEL"):
        model = model[len("MODEL") :].strip()
    if not model:
        raise GarbledReply(f"{where} answered {reply!r} to *IDN?, which names no model")
    return Identity(maker, model, serial, firmware)
