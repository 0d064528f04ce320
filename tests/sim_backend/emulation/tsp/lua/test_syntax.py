import lupa.lua51
import pytest

from crossbar_hil.sim_backend.emulation.tsp.lua.syntax import NotUnderstoodError, as_lua_5_1


def run(source):
    """What Lua 5.1 makes of a script for Lua 5.0."""
    return lupa.lua51.LuaRuntime(encoding="latin-1").execute(as_lua_5_1(source))


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("return [[a]]", "a"),
        ("return [[\nline]]", "line"),
        ("return [[one\ntwo\n]]", "one\ntwo\n"),
        ('return [["quoted" \\n]]', '"quoted" \\n'),
        ("return [[outer [[inner]] outer]]", "outer [[inner]] outer"),
        ("--[[ a [[nested]] comment ]] return 1", 1),
        ("--[==[ only this line\nreturn 2", 2),
        ("-- # % ... [=[\nreturn 3", 3),
        ("return '# % ... [=['", "# % ... [=["),
        ("return 'it\\'s -- no [[comment'", "it's -- no [[comment"),
        ("return 'a\\\nb'", "a\nb"),
        ("return 'a\\\r\nb'", "a\nb"),
        ("return 1e-5 * 1E+5 + .5 + 3.", 4.5),
        ("local a = {[1] = 2} return a[1]--x\n", 2),
        ("return 'caf\xe9'", "caf\xe9"),
        ("local function f(a, ...) return arg.n end return f(1, 2, 3)", 2),
        ("local t = {} function t:f(a, ...) return arg.n end return t:f(1, 2)", 1),
        ("return string.len([[\x00]])", 1),
    ],
)
def test_lua_5_0_means_the_same_in_5_1(source, value):
    assert run(source) == value


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("x = #t", 1),
        ("x = 5 % 2", 1),
        ("x = [==[a]==]", 1),
        ("x = ...", 1),
        ("function f(...) return ... end", 1),
        ("function f(a) return ... end", 1),
        ("function f(...) end\n\nreturn ...", 3),
        ("x = 1\n--[[ two\nlines ]] x = #t", 3),
        ("x = [[\n\n]] x = #t", 3),
        ("x = [[abc", 1),
        ("--[[ abc [[ ]]", 1),
    ],
)
def test_what_5_0_does_not_know_is_refused_where_it_stands(source, line):
    with pytest.raises(NotUnderstoodError, match=f"^tsp:{line}: "):
        as_lua_5_1(source)


@pytest.mark.parametrize("source", ["x = 'abc", "x = 'a\\\nb\nc", "x = 'a -- b", 'x = "\\"', "x = '\n--[[ ' ]]"])
def test_a_text_without_an_end_stays_without_one(source):
    with pytest.raises(lupa.lua51.LuaError, match="unfinished string"):
        run(source)


@pytest.mark.parametrize("line", [1, 2, 5, 9])
def test_an_error_keeps_its_line_behind_comments_and_long_strings(line):
    before = ["--[[ a\n comment ]]", "x = [[\ntext\n]]", "-- note", "y = 1", "z = 'a\\\nb'", "w = [[a]]"]
    source = "\n".join(before[: line // 2])
    expected = source.count("\n") + (2 if source else 1)
    with pytest.raises(lupa.lua51.LuaError, match=rf":{expected}: here"):
        run(source + ("\n" if source else "") + "error('here')")


def test_a_script_without_anything_special_is_left_as_it_is():
    source = "for i = 1, 3 do smua.source.levelv = i .. '' end"
    assert as_lua_5_1(source) is source
