"""``tspnet``: a TSP instrument as the client of other instruments, which an emulated one is not."""

from .lua.objects import Node, Refused, Returned, Value, number

FUNCTIONS = ("connect", "disconnect", "execute", "idn", "read", "readavailable", "termination", "write")


def tspnet() -> Node:
    """Make the object; its functions are refused."""

    def refuse(*_: Value) -> Returned:
        raise Refused(1219, "TSPnet: an emulated instrument connects to nothing")

    node = Node()
    node.methods |= dict.fromkeys(FUNCTIONS, refuse)
    node.methods |= dict.fromkeys(("clear", "reset"), lambda *_: ())
    node.settings(number(0, 1000), timeout=20.0, tolerance=0.0)
    node.constants |= {"TERM_LF": 1, "TERM_CR": 2, "TERM_CRLF": 3, "TERM_LFCR": 4}
    tsp = node.child("tsp")
    tsp.methods |= dict.fromkeys(("abort", "rbtablecopy", "runscript"), refuse)
    tsp.settings(number(0, 1), abortonconnect=1.0)
    return node
