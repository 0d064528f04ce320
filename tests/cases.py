"""Many small cases in one test, where to begin a test takes as long as a case."""

import pytest


def in_one_test(names, cases):
    """Try a test without fixtures with each of some arguments, as `pytest.mark.parametrize` does, but in one test.

    All are tried, and those that fail are named.
    """
    names, cases = [name.strip() for name in names.split(",")], list(cases)
    if not cases:
        raise ValueError(f"there are no cases of {', '.join(names)}")

    def decorate(function):
        def test(**others):
            failed = []
            for case in cases:
                given = dict(zip(names, [case] if len(names) == 1 else case, strict=True))
                try:
                    function(**given, **others)
                except (Exception, pytest.fail.Exception) as error:
                    failed.append(f"{given}: {type(error).__name__}: {error}")
            if failed:
                pytest.fail("\n\n".join([f"{len(failed)} of {len(cases)} cases", *failed]), pytrace=False)

        # No __wrapped__: pytest would take the arguments of the function for fixtures.
        test.__name__, test.__doc__, test.__module__ = function.__name__, function.__doc__, function.__module__
        return test

    return decorate
