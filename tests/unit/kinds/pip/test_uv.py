"""uv's answers, in the words of its releases, and the surroundings it is kept from."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.kinds.pip.uv import (
    SCRUB,
    Need,
    PipMove,
    Refusal,
    Sizes,
    UvRequest,
    ask,
    ask_sizes,
    explain,
    find_uv,
    parse,
    sizes,
)
from provisioner.machine.reader import Completed
from provisioner.model.errors import ObserveError
from tests.fakes import FakeMachine

REQUEST = UvRequest(uv="/bin/uv", cwd="/work", target=("--python", "/bin/python"), packages=("-x", "six"))


def answering(code: int, stdout: str = "", stderr: str = "", *, timed_out: bool = False) -> FakeMachine:
    return FakeMachine(programs={"uv": lambda machine, run: Completed(code, stdout, stderr, timed_out)})


@pytest.mark.parametrize(
    ("line", "move"),
    [
        (" + six==1.17.0", PipMove("six", None, "1.17.0")),
        (" - six==1.17.0", PipMove("six", "1.17.0", None)),
        (" ~ six==1.17.0", PipMove("six", "1.17.0", "1.17.0")),
        (" + torch==2.8.0+cu128", PipMove("torch", None, "2.8.0+cu128")),
        (" + a @ file:///src/a", PipMove("a", None, "from file:///src/a", "file:///src/a")),
        (" + a==1.0 (from file:///src/a)", PipMove("a", None, "1.0", "file:///src/a")),
        (
            " + a @ git+https://me:pw@h/a@0123",
            PipMove("a", None, "from git+https://***@h/a@0123", "git+https://***@h/a@0123"),
        ),
    ],
)
def test_moves(line: str, move: PipMove) -> None:
    assert parse(f"Would install 1 package\n{line}\n").moves == (move,)


def test_an_update_is_one_move() -> None:
    found = parse("Would download 1 package\n - six==1.16.0\n + six==1.17.0\n")
    assert found.moves == (PipMove("six", "1.16.0", "1.17.0"),)
    assert found.downloads


def test_who_needs_what() -> None:
    found = parse(
        "DEBUG Adding transitive dependency for b==2.0: a>=1.dev0, <2.dev0\n"
        "DEBUG Adding transitive dependency for b==1.0: a>=9\n"
        "DEBUG Adding transitive dependency for b==2.0: b[x]==2.0\n"
        "DEBUG Adding transitive dependency for b[x]==2.0: c{python_full_version < '3.15'}*\n"
        "DEBUG Adding transitive dependency for kept==1.0: a\n"
        "DEBUG Adding transitive dependency for kept==1.0: e>=1.5, <1.5+\n"
        "DEBUG Adding transitive dependency for kept==1.0: a\n"
        "DEBUG Something else of b==2.0: d\n"
        " + a==1.5\n + b==2.0\n + c==1\n"
    )
    assert found.needs == (
        Need("a", "b", "2.0", "==1.*"),
        Need("a", "b", "1.0", ">=9"),
        Need("c", "b", "2.0", ""),
        Need("a", "kept", "1.0", ""),
        Need("e", "kept", "1.0", "==1.5"),
    )


def test_warnings_are_passed_on() -> None:
    found = parse(
        "warning: the package `a` has no extra named `x` on https://me:pw@h\nwarning: twice\nwarning: twice\n"
    )
    assert found.warnings == ("the package `a` has no extra named `x` on https://***@h", "twice")


@given(st.text())
def test_any_output_is_survived(text: str) -> None:
    parse(text)
    explain(text)
    sizes(text)


BOXED = """\
DEBUG uv 0.11.15
Using Python 3.11.7 environment at: e1
  × No solution found when resolving dependencies:
  ╰─▶ Because tensorflow==2.10.0 has no wheels with a matching Python ABI tag
      (e.g., `cp311`) and you require tensorflow==2.10.0, we can conclude that
      your requirements are unsatisfiable.

      hint: You require CPython 3.11 (`cp311`), but we only found wheels for
      `tensorflow` (v2.10.0) with the following Python ABI tags: `cp310`
"""
PLAIN = """\
DEBUG uv 0.13.9
Using Python 3.11.7 environment at: e1
error: No solution found when resolving dependencies
  cause: Because tensorflow==2.10.0 has no wheels with a matching Python ABI tag (e.g., `cp311`) and you \
require tensorflow==2.10.0, we can conclude that your requirements are unsatisfiable.

hint: You require CPython 3.11 (`cp311`), but we only found wheels for `tensorflow` (v2.10.0) with the \
following Python ABI tags: `cp310`
DEBUG Released lock
"""


@pytest.mark.parametrize("output", [BOXED, PLAIN])
def test_both_ways_of_saying_no_read_the_same(output: str) -> None:
    assert explain(output) == (
        "Because tensorflow==2.10.0 has no wheels with a matching Python ABI tag (e.g., `cp311`) and you "
        "require tensorflow==2.10.0. You require CPython 3.11 (`cp311`), but we only found wheels for "
        "`tensorflow` (v2.10.0) with the following Python ABI tags: `cp310`"
    )
    refusal = ask(answering(1, stderr=output), REQUEST, ())
    assert isinstance(refusal, Refusal)
    assert refusal.cause == "unsolvable"
    assert "choose an earlier runtime" in refusal.hint


@pytest.mark.parametrize(
    "text",
    [
        "error: UvRequest failed after 3 retries in 9.8s\n  Caused by: Failed to fetch: `http://h/six/`\n"
        "  Caused by: error sending request for url (http://h/six/)\n  Caused by: client error (Connect)\n",
        "error: Failed to fetch: `h`\n  cause: HTTP status server error (503 Service Unavailable)",
        "  × Failed to download and build `a @ git+https://h/a`\n  ├─▶ Git operation failed\n"
        "  ╰─▶ process didn't exit successfully: `git fetch` (exit status: 128)\n      --- stderr\n"
        "      fatal: unable to access 'https://h/a/': Could not resolve host: h\n",
        "error: Failed to fetch: `https://h`\n  cause: operation timed out",
    ],
)
def test_no_network_is_unknown(text: str) -> None:
    with pytest.raises(ObserveError, match="cannot reach"):
        ask(answering(2, stderr=text), REQUEST, ())


def test_a_resolution_without_end_is_unknown() -> None:
    with pytest.raises(ObserveError, match="did not finish"):
        ask(answering(-9, timed_out=True), REQUEST, ())


@pytest.mark.parametrize(
    ("text", "cause", "hint"),
    [
        (
            "error: Failed to fetch: `h`\n  cause: HTTP status client error (401 Unauthorized) for url (h)",
            "unsolvable",
            "netrc",
        ),
        (
            "error: Failed to fetch: `h`\n  cause: HTTP status client error (404 Not Found) for url (h)",
            "unsolvable",
            "spelling",
        ),
        ("error: Distribution not found at: file:///x", "unsolvable", "path"),
        ("error: Failed to build `a`\n  cause: The build backend returned an error", "unbuilt", "compilers"),
        ("error: Git operation failed\n  cause: Git executable not found.", "unbuilt", "add git"),
        ("error: something new", "unsolvable", ""),
    ],
)
def test_refusals_and_the_way_out(text: str, cause: str, hint: str) -> None:
    refusal = ask(answering(1, stderr=text), REQUEST, ())
    assert isinstance(refusal, Refusal)
    assert refusal.cause == cause
    assert hint in refusal.hint.lower()


def test_long_reasons_are_cut_at_a_word() -> None:
    text = explain("error: " + "word " * 400)
    assert len(text) <= 600
    assert text.endswith("word ...")


def test_secrets_are_struck_out() -> None:
    assert "hunter2" not in explain("error: Failed to fetch: `https://me:hunter2@h/simple`")


def test_nothing_from_the_file_can_be_an_option() -> None:
    run = REQUEST.install(["six==1"])
    assert run.argv[run.argv.index("--") + 1 :] == ("-x", "six")
    assert run.stdin == "six==1\n"
    assert "--constraints" not in REQUEST.install().argv


@pytest.mark.parametrize(
    ("name", "dropped"),
    [
        ("UV_CONSTRAINT", True),
        ("UV_INDEX_URL", True),
        ("UV_SYSTEM_PYTHON", True),
        ("UV_OFFLINE", True),
        ("PIP_INDEX_URL", True),
        ("PYTHONPATH", True),
        ("VIRTUAL_ENV", True),
        ("MPLBACKEND", True),
        ("UV_CACHE_DIR", False),
        ("UV_INDEX_MINE_PASSWORD", False),
        ("UV_INDEX_MINE_USERNAME", False),
        ("UV_KEYRING_PROVIDER", False),
        ("SSL_CERT_FILE", False),
        ("HTTPS_PROXY", False),
        ("PATH", False),
    ],
)
def test_what_is_kept_from_uv(name: str, dropped: bool) -> None:
    assert bool(re.fullmatch(SCRUB, name)) is dropped


PYLOCK = """\
lock-version = "1.0"
[[packages]]
name = "numpy"
version = "2.0.2"
sdist = { url = "https://h/numpy.tar.gz", size = 18902015 }
wheels = [{ url = "https://h/numpy.whl", size = 100 }]
[[packages]]
name = "old"
version = "1.0"
sdist = { url = "https://h/old.tar.gz", size = 10 }
[[packages]]
name = "unsized"
wheels = [{ url = "https://h/unsized.whl" }]
[[packages]]
name = "elsewhere"
archive = { url = "https://h/x.zip", size = 1 }
"""


def test_sizes_of_what_is_to_come() -> None:
    assert sizes(PYLOCK) == Sizes(111, ("old",))
    assert ask_sizes(answering(0, PYLOCK), REQUEST, ["numpy==2.0.2"]) == Sizes(111, ("old",))


def test_unknown_sizes_are_no_trouble() -> None:
    assert ask_sizes(answering(2), REQUEST, ["numpy==2.0.2"]) == Sizes()
    assert sizes("not toml") == Sizes()


def test_uv_is_looked_for_when_it_did_not_come_with_us(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> str:
        raise FileNotFoundError

    monkeypatch.setattr("uv.find_uv_bin", missing)
    assert find_uv(answering(0)) == "/usr/bin/uv"
    with pytest.raises(ObserveError, match="uv is missing"):
        find_uv(FakeMachine())
