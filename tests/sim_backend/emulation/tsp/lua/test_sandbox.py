import functools
import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from crossbar_hil import open_bench
from crossbar_hil.sim_backend.emulation.models.keithley707b.model import EmulatedKeithley707B
from crossbar_hil.sim_backend.emulation.tsp.lua import sandbox
from crossbar_hil.sim_backend.emulation.world.world import World

chip = functools.cache(lambda: open_bench(seed=1))  # no voltage here moves a cell


@pytest.fixture
def box():
    return EmulatedKeithley707B(World(chip()), "matrix", instructions=300_000, seconds=5)


def say(box, message):
    return box.receive(message).decode("latin-1")


def error_of(box):
    code, message, *_ = say(box, "print(errorqueue.next())").split("\t")
    return int(float(code)), message


def works(box):
    return say(box, "print(1 + 1)") == "2.00000e+00\n"


@pytest.mark.parametrize(
    "name",
    [
        "os.execute",
        "os.getenv",
        "os.exit",
        "os.tmpname",
        "io.popen",
        "io.lines",
        "io.stdout",
        "debug",
        "package",
        "require",
        "module",
        "load",
        "dofile",
        "loadfile",
        "getfenv",
        "setfenv",
        "newproxy",
        "python",
        "lupa",
        "loadlib",
        "select",
        "string.dump",
        "string.gmatch",
        "string.reverse",
        "table.maxn",
        "string.match",
        "math.huge",
        "host",
        "api",
        "coroutine.running",
        "kit",
        "ended",
    ],
)
def test_what_could_reach_the_host_is_not_there(box, name):
    assert say(box, f"print({name})") == "nil\n"


def test_the_globals_are_the_listed_ones_and_no_others(box):
    say(box, "names = {} for name in pairs(_G) do table.insert(names, name) end table.sort(names)")
    names = set(say(box, "print(table.concat(names, ' '))").split())
    lua = (
        "_G _VERSION assert collectgarbage coroutine error gcinfo getmetatable ipairs loadstring math next pairs pcall"
    )
    lua += " print rawequal rawget rawset setmetatable string table tonumber tostring type unpack xpcall"
    tsp = "beeper bit channel comm delay digio display errorqueue exit format gpib io lan"
    tsp += " localnode memory node opc os printbuffer printnumber reset savebuffer scan script settime"
    tsp += " setup slot status timer trigger tsplink waitcomplete"
    assert names - {"names"} == set(lua.split()) | set(tsp.split())


def test_no_value_within_reach_is_a_python_object(box):
    script = (
        "local seen, found = {}, 0 "
        "local function visit(x) "
        "  if type(x) == 'userdata' then found = found + 1 end "
        "  if type(x) ~= 'table' or seen[x] then return end "
        "  seen[x] = true "
        "  local mt = getmetatable(x) "
        "  visit(mt) "
        "  local k, v = next(x) "
        "  while k ~= nil do visit(k) visit(v) k, v = next(x, k) end "
        "end "
        "visit(_G) print(found)"
    )
    assert say(box, script) == "0.00000e+00\n"


def test_the_globals_do_not_hide_the_true_ones_behind_a_metatable(box):
    assert say(box, "print(getmetatable(_G), getmetatable(''), getmetatable(print))") == "nil\tnil\tnil\n"


@pytest.mark.parametrize("source", ["loadstring('\\027Lua')", "loadstring(string.char(27) .. 'LuaQ')"])
def test_bytecode_is_not_loaded(box, source):
    answer = say(box, f"print({source})")
    assert answer.startswith("nil\tbinary chunks")


def test_a_message_of_bytecode_is_a_syntax_error(box):
    say(box, "\x1bLuaQ\x00\x01\x04\x08\x04\x08\x00")
    assert error_of(box)[0] == -285
    assert works(box)


def test_a_script_of_bytecode_is_a_syntax_error(box):
    for line in ("loadscript evil", "\x1bLuaQ\x00\x01", "endscript"):
        say(box, line)
    assert error_of(box)[0] == -285
    assert say(box, "print(evil)") == "nil\n"


def test_loadstring_sees_only_the_sandbox(box):
    assert say(box, "print(loadstring('return debug, package, python')())") == "nil\tnil\tnil\n"
    assert say(box, "print(loadstring('return _G')() == _G)") == "true\n"


@pytest.mark.parametrize(
    "script",
    [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "while true do xpcall(function() while true do end end, function() while true do end end) end",
        "local co = coroutine.wrap(function() while true do end end) co()",
        "while true do local co = coroutine.create(function() while true do end end) coroutine.resume(co) end",
        "local function f() return f() end f()",
        "while true do delay(0) end",
        "while true do timer.measure.t() end",
        "repeat until false",
        "local t = setmetatable({}, {__index = function(t, k) return t[k + 1] end}) print(t[1])",
        "for i = 1, 1e9 do string.rep('x', 1e6) end",
        "local t = {} for i = 1, 1e5 do t[i] = i end while true do table.sort(t) end",
        "string.gsub(string.rep('a', 1e5), 'a', function() while true do end end)",
        "while true do print('x') end",
        "while true do channel.close('1A01') channel.open('1A01') end",
        "while true do collectgarbage() end",
        "setmetatable(_G, {__index = function() while true do end end}) print(nothing)",
        "while true do string.rep('', 2 ^ 31 - 1) end",
        "local t = {} while true do table.insert(t, -2 ^ 31, 1) end",
        "local t = setmetatable({}, {__tostring = function() while true do end end}) print(t)",
        "pcall(error, setmetatable({}, {__tostring = function() while true do end end})) while true do end",
        "table.sort({3, 1, 2}, function() while true do end end)",
        "table.foreach({1}, function() while true do end end)",
        "xpcall(function() error('x') end, function() while true do end end)",
        "xpcall(function() while true do end end, function() return pcall(function() while true do end end) end)",
        "getmetatable(channel).Getters.connectrule = function() while true do end end print(channel.connectrule)",
        "local f = coroutine.wrap(function() while true do pcall(coroutine.yield) end end) while true do f() end",
        "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
        "while true do pcall(coroutine.wrap(function() while true do end end)) end",
        "for x in string.gfind(string.rep('a', 1e4), '.-b') do end while true do string.gfind('a', 'b') end",
        "local s = string.rep('x', 2 ^ 20) s = s .. s s = s .. s while true do s = string.lower(s) end",
        "local s = string.rep('a', 2 ^ 18) while true do string.find(s, string.rep('a', 500) .. 'b', 1, true) end",
        "local t = {n = 0 / 0} table.remove(t) while true do end",
        "local t = {} table.setn(t, 0 / 0) table.remove(t) while true do end",
        "while true do loadstring('x = 1') end",
        "while true do node[1].execute('while true do end') end",
        "script.new('while true do end', 'endless') pcall(endless)",
    ],
)
def test_a_runaway_script_ends_with_an_error_and_leaves_the_instrument_usable(box, script):
    box.receive(script)
    assert error_of(box)[0] == -286
    assert works(box)


def test_a_script_ends_when_its_time_is_up(monkeypatch):
    now = itertools.count()  # a second passes from one look to the next
    monkeypatch.setattr(sandbox, "time", SimpleNamespace(monotonic=lambda: float(next(now))))
    box = EmulatedKeithley707B(World(chip()), "matrix", seconds=100)
    box.receive("while true do end")
    assert 100 < next(now) < 120
    assert "ran for too long" in error_of(box)[1]


@pytest.mark.parametrize(
    "script",
    [
        "string.find(string.rep('a', 5000), string.rep('a?', 60) .. string.rep('a', 60))",
        "string.find(string.rep('a', 1e6), '.-.-.-.-b')",
        "string.find(string.rep('(', 1e6), '%b()')",
        "string.find(string.rep('a', 1e6), string.rep('a', 5e5) .. 'b', 1, true)",
        "string.find('a', string.rep('(a', 100000))",
        "string.gsub(string.rep('a', 1e6), '[ab]*[ab]*c', '')",
        "for x in string.gfind(string.rep('a', 1e6), '(.*)%1b') do end",
    ],
)
def test_patterns_that_no_hook_could_stop_are_refused(box, script):
    box.receive(script)
    code, message = error_of(box)
    assert code == -286
    assert "pattern too" in message or "string too long" in message
    assert works(box)


def test_a_number_that_is_none_does_not_switch_the_count_off(box):
    box.receive(
        "local t = {n = 0 / 0} pcall(table.remove, t) pcall(table.insert, t, 0 / 0, 1) pcall(string.rep, 'x', 0 / 0)"
    )
    say(box, "errorqueue.clear()")
    box.receive("local t = {n = 0 / 0} pcall(table.remove, t) while true do end")
    assert "ran for too long" in error_of(box)[1]


# ---------------------------------------------------------------------------------------------- memory of the host


@pytest.mark.parametrize(
    "bounds",
    ["0, 2 ^ 31 - 1", "-2 ^ 31, 2 ^ 31 - 1", "1, 1e8", "-1e308, 1e308", "0 / 0, 1", "1, 0 / 0", "2 ^ 40, 2 ^ 40 + 1"],
)
def test_more_values_than_lua_5_1_can_count_are_refused(box, bounds):
    box.receive(f"unpack({{}}, {bounds})")  # with the first of them an unguarded Lua 5.1.5 ends the process
    assert "too many results" in error_of(box)[1]
    assert say(box, "print(unpack({1, 2, 3}))") == "1.00000e+00\t2.00000e+00\t3.00000e+00\n"


@pytest.mark.parametrize(
    "lines",
    [
        ["function f(a, b, c) return ... end"],
        ["function f(a, b, c, ...) return ... end"],
        # Lua 5.1 reads up to the closing bracket with its level as a comment; to 5.0 it is a line of comment.
        ["--[==[", "[[", "]==] function f(a, b, c, ...) local d, e = 1, 2 return ... end --[==[", "]]", "--]==]"],
        # A number that one lexer ends where the other goes on must not hide what follows.
        ["x = 0xe--[[ a", "function f(a, b, c, ...) return ... end --", "--]]"],
        ["x = 3e--[[ a", "function f(a, b, c, ...) return ... end --", "--]]"],
        ["x = 'a\\", "' function f(a, b, c, ...) return ... end"],
    ],
)
def test_no_function_gets_to_use_what_breaks_the_stack_of_lua_5_1(box, lines):
    for line in ("loadandrunscript", *lines, "endscript"):
        box.receive(line)
    assert say(box, "print(f)") == "nil\n"
    assert works(box)


@pytest.mark.parametrize(
    "message",
    [
        "[[" * 400_000,
        "x = " + "--[[" * 200_000,
        'x = "' + '\\"' * 400_000,
        "x = " + "'\"" * 400_000,
        "x = [" * 400_000,
        "(" * 500_000,
        "x = " + "-" * 500_000,
        "x = " + "{" * 500_000,
        "x = " + "not " * 200_000,
    ],
)
def test_a_message_of_brackets_or_quotes_is_read_in_one_go(box, message):
    box.receive(message)
    assert works(box)


@pytest.mark.parametrize("piece", ["[[", "--[[\\n", "\\'\\\\", "(", "{"])
def test_what_a_script_compiles_is_read_in_one_go_too(patient, piece):
    patient.receive(f"loadstring(string.rep('{piece}', 2 ^ 18))")
    assert works(patient)


@pytest.mark.campaign
def test_a_script_of_empty_lines_ends_too(box):
    box.receive("loadscript empty")
    for _ in range(1_048_600):
        box.receive("")
    assert error_of(box) == (-225, "Out of memory")
    assert works(box)


def test_an_error_message_is_cut(box):
    box.receive("error(string.rep('x', 1e6))")
    assert len(error_of(box)[1]) <= 255


@pytest.mark.parametrize(
    "script",
    [
        "channel.open(string.rep('allslots,', 1e5) .. '1A01')",
        "channel.pattern.getimage(string.rep('a,', 2e5) .. 'a')",
        "local t = {} for i = 1, 2e5 do t[i] = i end local many = {} for i = 1, 150 do many[i] = t end"
        " printbuffer(1, 2e5, unpack(many))",
        *(
            pytest.param(script, marks=pytest.mark.campaign)
            for script in (
                "local t = {} for i = 1, 1e5 do t[i] = 1 end for i = 1, 8 do trigger.timer[i].delaylist = t end",
                "for i = 1, 3000 do channel.pattern.setimage('1A01:1H12', 'p' .. i) end",
            )
        ),
    ],
)
def test_nothing_that_python_keeps_or_does_for_a_script_is_without_a_bound(patient, script):
    import tracemalloc

    patient.receive("print(1)")
    tracemalloc.start()
    patient.receive(script)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 60e6
    assert works(patient)


# ---------------------------------------------------------------------------------------------- memory of scripts


@pytest.fixture
def patient():
    return EmulatedKeithley707B(World(chip()), "matrix")


@pytest.mark.parametrize(
    "script",
    [
        "x = {} while true do x[table.getn(x) + 1] = string.rep('x', 1e5) .. table.getn(x) end",
        "x = 'x' while true do x = x .. x end",
        "x = string.rep('x', 2 ^ 40)",
        "x = {} local function f() table.insert(x, string.rep('y', 1e6) .. table.getn(x)) return f() end f()",
        "x = {} function more() while true do table.insert(x, string.rep('z', 1e6) .. table.getn(x)) end end"
        " while true do pcall(more) end",
    ],
)
def test_memory_is_bounded_and_the_instrument_survives_its_end(script):
    small = EmulatedKeithley707B(World(chip()), "matrix", memory_bytes=8 * 2**20)
    small.receive(script)
    code, message = error_of(small)
    assert code == -286
    assert "not enough memory" in message
    assert works(small)
    assert say(small, "*IDN?").startswith("KEITHLEY")


def test_settings_and_relays_survive_the_loss_of_script_memory(patient):
    box = patient
    say(box, "channel.connectrule = 2 channel.close('1A01')")
    box.receive("x = {} while true do x[table.getn(x) + 1] = string.rep('x', 1e5) .. table.getn(x) end")
    assert say(box, "print(x)") == "nil\n"
    assert say(box, "print(channel.connectrule, channel.getclose('allslots'))") == "2.00000e+00\t1A01\n"


def test_deep_recursion_is_a_runtime_error(box):
    say(box, "local function f() return 1 + f() end f()")
    assert error_of(box)[0] == -286
    say(box, "local t = {} for i = 1, 190 do t = setmetatable({}, {__index = t}) end print(t.x)")
    assert works(box)


def test_a_caught_error_of_the_instrument_is_text(box):
    assert say(box, "print(type(({pcall(function() channel.nothing = 1 end)})[2]))") == "string\n"
    assert say(box, "print(type(({pcall(delay, function() end)})[2]))") in {"nil\n", "string\n"}


def test_a_script_that_exits_stops_without_an_error_even_inside_a_protected_call(box):
    assert say(box, "print(1) pcall(exit) print(2)") == "1.00000e+00\n"
    assert say(box, "print(errorqueue.count)") == "0.00000e+00\n"


def test_output_is_bounded(box):
    answer = box.receive("local s = string.rep('x', 1e6) for i = 1, 100 do print(s) end")
    assert len(answer) <= 8 * 2**20
    assert error_of(box)[0] == -286


def test_addresses_of_the_host_are_not_shown(box):
    shown = say(box, "print(print, {}, channel)")
    assert shown.startswith("function: 0000")
    assert shown.count("table: 0000") == 2
    assert say(box, "print(tostring(print) == tostring(print), tostring({}) == tostring({}))") == "true\tfalse\n"


def test_an_object_is_whole_after_a_message_that_ended_while_it_was_first_looked_at():
    ended = 0
    for steps in range(2900, 4000, 100):
        box = EmulatedKeithley707B(World(chip()), "matrix", instructions=3000)
        say(box, f"for i = 1, {steps} do end local rule = channel.connectrule")
        ended += error_of(box)[0] == -286
        assert say(box, "print(channel.connectrule, localnode.channel == channel, type(channel.setpole))") == (
            "1.00000e+00\ttrue\tfunction\n"
        )
    assert 0 < ended < 11


def test_objects_keep_their_metatable(box):
    say(box, "setmetatable(channel, {})")
    assert error_of(box)[0] == -286
    assert say(box, "print(getmetatable(channel).luatype)") == "object\n"


@pytest.mark.parametrize(
    "source", ["print(#'abc')", "x = 5 % 2", "local f = function(...) return ... end", "x = [=[a]=]"]
)
def test_what_lua_5_0_does_not_know_is_a_syntax_error(box, source):
    assert say(box, source) == ""
    assert error_of(box)[0] == -285


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ("print(table.getn({1, 2, 3}))", "3.00000e+00\n"),
        ("t = {} table.setn(t, 5) print(table.getn(t))", "5.00000e+00\n"),
        ("t = {n = 0} table.insert(t, 'a') print(t.n, t[1])", "1.00000e+00\ta\n"),
        (
            "t = {1, 2, 3} table.insert(t, 1, 9) print(t[1], table.remove(t), table.getn(t))",
            "9.00000e+00\t3.00000e+00\t3.00000e+00\n",
        ),
        ("table.foreach({a = 1}, print)", "a\t1.00000e+00\n"),
        ("table.foreachi({'a'}, print)", "1.00000e+00\ta\n"),
        ("print(math.mod(7, 4))", "3.00000e+00\n"),
        ("for w in string.gfind('ab cd', '%a+') do print(w) end", "ab\ncd\n"),
        ("function f(...) return arg.n end print(f(1, nil, 3))", "3.00000e+00\n"),
        ("print(_VERSION)", "Lua 5.0.2\n"),
        ("print('100 % # ... [=[')", "100 % # ... [=[\n"),
        ("print([[a # b]]) -- # %", "a # b\n"),
        ("print(string.gsub('abc', 'b', 'x'))", "axc\t1.00000e+00\n"),
        ("print(type(gcinfo()), collectgarbage(0))", "number\t0.00000e+00\n"),
    ],
)
def test_lua_5_0_is_understood(box, source, answer):
    assert say(box, source) == answer
    assert error_of(box)[0] == 0


def test_strings_have_no_methods_as_in_lua_5_0(box):
    say(box, "print(('x'):rep(3))")
    assert error_of(box)[0] == -286


@pytest.mark.parametrize("seed", range(40))
def test_shuffled_pieces_of_scripts_never_make_it_raise(seed):
    rng = np.random.default_rng(seed)
    pieces = [
        "print",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        "=",
        ",",
        ";",
        ".",
        ":",
        "'x'",
        '"y"',
        "[[z]]",
        "1",
        "-1e308",
        "nil",
        "true",
        "function",
        "end",
        "if",
        "then",
        "else",
        "while",
        "do",
        "for",
        "in",
        "local",
        "return",
        "channel",
        "slot",
        "status",
        "trigger",
        "errorqueue",
        "format.data",
        "coroutine.wrap",
        "pcall",
        "getmetatable",
        "_G",
        "channel.close",
        "'1A01'",
        "..",
        "==",
        "-",
        "*",
        "/",
        "^",
        "and",
        "or",
        "not",
        "...",
        "#",
        "%",
        "[=[",
        "--",
        "\x1b",
        "\x00",
        "*IDN?",
        "loadscript",
        "endscript",
        "abort",
        "reset()",
        "setmetatable",
    ]
    box = EmulatedKeithley707B(World(chip()), "matrix", instructions=20_000, seconds=2)
    for _ in range(50):
        answer = box.receive(" ".join(rng.choice(pieces, size=rng.integers(1, 12))))
        assert answer == b"" or answer.endswith(b"\n")
    box.receive("abort")
    assert box.receive("*IDN?").startswith(b"KEITHLEY")
