"""Unified diffs: read, recognised and applied as diff, git and patch(1) mean them."""

from __future__ import annotations

import difflib
import itertools
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.machine.edits.diffs import Content, parse, patched
from provisioner.model.errors import EffectError

LINES = st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=30)


def unified(before: list[str], after: list[str], context: int = 3) -> bytes:
    lines = difflib.unified_diff(
        [f"{line}\n" for line in before], [f"{line}\n" for line in after], "a/f", "b/f", n=context
    )
    return "".join(lines).encode()


def text(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def applied(data: bytes | None, *diffs: bytes, strip: int = 1) -> bytes | None:
    """What diffs make of a file; as it is where they are applied."""
    told = [each for diff in diffs for each in parse(diff, strip, "fix.patch")]
    found = patched(told, "/f", False, lambda path: Content(data))
    return found["/f"].data if found else data


@given(LINES, LINES)
def test_a_diff_makes_one_of_the_other_and_is_seen_to_be_applied(before: list[str], after: list[str]) -> None:
    diff = unified(before, after)
    if diff:
        assert applied(text(before), diff) == text(after)
        assert applied(text(after), diff) == text(after)


@given(
    st.lists(st.sampled_from("xyz"), min_size=1, max_size=9),
    st.integers(0, 30),
    st.integers(5, 25),
    st.booleans(),
)
def test_places_may_have_moved(above: list[str], size: int, at: int, deletes: bool) -> None:
    lines = [f"line {number}" for number in range(size + 30)]
    changed = [*lines[:at], *([] if deletes else ["new"]), *lines[at + deletes :]]
    diff = unified(lines, changed)
    assert applied(text([*above, *lines]), diff) == text([*above, *changed])
    assert applied(text([*above, *changed]), diff) == text([*above, *changed])


@given(st.lists(st.sampled_from("ab"), min_size=8, max_size=20), st.integers(3, 16), st.integers(-3, 9))
def test_what_is_applied_is_never_applied_again(lines: list[str], at: int, moved: int) -> None:
    """Also where lines are alike, and the file is not the one that the diff was made for."""
    at = min(at, len(lines) - 4)
    diff = unified(lines, [*lines[:at], lines[at], *lines[at:]])
    here = [*["a"] * moved, *lines] if moved > 0 else lines[-moved:]
    try:
        once = applied(text(here), diff)
    except EffectError:
        return
    assert applied(once, diff) == once


@given(LINES, st.integers(0, 99))
def test_diffs_are_applied_one_after_the_other(first: list[str], seed: int) -> None:
    chance = random.Random(seed)
    states = [first]
    for number in range(3):
        state = list(states[-1])
        state.insert(chance.randint(0, len(state)), f"new {number}")
        states.append(state)
    diffs = [unified(*pair) for pair in itertools.pairwise(states)]
    for state in states:
        assert applied(text(state), *diffs) == text(states[-1])


@pytest.mark.skipif(not shutil.which("patch"), reason="there is no patch(1) to compare with")
@pytest.mark.parametrize("seed", range(20))
def test_patch_does_the_same(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    before = [f"line {chance.randint(0, 40)}" for _ in range(60)]
    after = [line for line in before if chance.random() > 0.05]
    after.insert(chance.randint(0, len(after)), "new")
    here = [*["above"] * chance.randint(0, 4), *before]
    (tmp_path / "f").write_bytes(text(here))
    diff = unified(before, after)
    argv = ["patch", "--silent", "--strip=1", "--fuzz=0"]
    done = subprocess.run(argv, cwd=tmp_path, input=diff, check=False, capture_output=True)
    if done.returncode == 0:
        assert applied(text(here), diff) == (tmp_path / "f").read_bytes()
    else:  # it applies what is at the begin of a file nowhere else
        assert here != before


GIT = b"""\
From 0123 Mon Sep 17 00:00:00 2001
Subject: [PATCH] all kinds
---
 f | 2 +-

diff --git a/new file b/new file
new file mode 100755
index 0000000..587be6b
--- /dev/null
+++ b/new file\t
@@ -0,0 +1 @@
+x
\\ No newline at end of file
diff --git "a/gr\\303\\274n\\"" "b/gr\\303\\274n\\""
index 9daeafb..180cf83 100644
--- "a/gr\\303\\274n\\""
+++ "b/gr\\303\\274n\\""
@@ -1 +1 @@
-test
+changed
\\ No newline at end of file
diff --git a/old b/old
deleted file mode 100644
index 9daeafb..0000000
--- a/old
+++ /dev/null
@@ -1,2 +0,0 @@
-test
--- dashes
--
2.39.5
"""


def test_what_git_writes() -> None:
    files = {'/d/grün"': b"test\n", "/d/old": b"test\n-- dashes\n"}
    found = patched(parse(GIT, 1, "x"), "/d", True, lambda path: Content(files.get(path)))
    assert found == {
        "/d/new file": Content(b"x", executable=True),
        '/d/grün"': Content(b"changed"),
        "/d/old": Content(None),
    }
    again = dict(found)
    assert patched(parse(GIT, 1, "x"), "/d", True, again.__getitem__) == {}


HUNK = b"--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"


@pytest.mark.parametrize(
    ("diff", "told"),
    [
        (b"hello", "is not a unified diff"),
        (b"--- a/f\n+++ b/f\nhello", "has no changes behind its line 2"),
        (HUNK[:-3], "is damaged: its line 3 announces other lines"),
        (HUNK.replace(b" c", b"?c"), "is damaged"),
        (b"diff --git a/f b/g\nrename from f\nrename to g\n", "no change of lines: rename from f"),
        (b"diff --git a/f b/f\nold mode 100644\nnew mode 100755\n", "no change of lines: diff --git a/f b/f"),
        (b"diff --git a/f b/f\nGIT binary patch\n", "no change of lines"),
        (HUNK.replace(b"b/f", b"b/../f"), "leads out of the folder"),
        (HUNK.replace(b"b/f", b"b//etc/f"), "leads out of the folder"),
        (HUNK.replace(b"b/f", b"f"), "no 1 folders to drop"),
        (HUNK + HUNK.replace(b"b/f", b"b/g"), "is about 2 files"),
    ],
)
def test_what_cannot_be_applied(diff: bytes, told: str) -> None:
    with pytest.raises(EffectError, match=told):
        applied(b"a\nb\nc\n", diff)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"x\n", r"fix.patch: what it looks for in /f at line 1 matches nothing: did it change upstream\?"),
        (b"a\r\nb\r\nc\r\n", "one of the two has the line ends of Windows"),
        (None, "there is no /f"),
    ],
)
def test_what_does_not_fit(data: bytes | None, told: str) -> None:
    with pytest.raises(EffectError, match=told):
        applied(data, HUNK)


def test_files_that_are_made_and_removed() -> None:
    makes = b"--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+x\n"
    removes = b"--- a/f\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
    assert applied(None, makes) == b"x\n"
    assert applied(b"x\nmore\n", makes) == b"x\nmore\n"
    assert applied(b"x\n", removes) is None
    assert applied(None, removes) is None
    with pytest.raises(EffectError, match="there is a /f already"):
        applied(b"y\n", makes)
    with pytest.raises(EffectError, match="has more in it"):
        applied(b"x\nmore\n", removes)


def test_a_later_diff_without_an_earlier_one() -> None:
    first, second = unified(["a", "x", "b"], ["A", "x", "b"]), unified(["A", "x", "b"], ["A", "x", "B"])
    with pytest.raises(EffectError, match="is not applied, but one that comes behind it is"):
        applied(b"q\nx\nB\n", first, unified(["x", "b"], ["x", "B"]))
    assert applied(b"a\nx\nb\n", first, second) == b"A\nx\nB\n"
