"""The effects that change files of others, on a real file system."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from provisioner.machine import file_edits
from provisioner.model.effects import Edit, Insertion, Patch, Replacement, SetKeys
from provisioner.model.errors import EffectError

DIFF = """\
--- a/net.py
+++ b/net.py
@@ -1 +1 @@
-old
+new
--- /dev/null
+++ b/more/tool.sh
@@ -0,0 +1 @@
+run
--- a/gone
+++ /dev/null
@@ -1 +0,0 @@
-x
"""


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def edit(path: Path, mode: int | None = None) -> None:
    changes = (Replacement(find="old", replace="new"), Insertion(line="last"))
    file_edits.edit(Edit(path=str(path), changes=changes, mode=mode))


def test_a_file_is_edited_once(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old\n")
    path.chmod(0o750)
    for _ in range(2):
        edit(path)
        assert (path.read_text(), mode(path), os.listdir(tmp_path)) == ("new\nlast\n", 0o750, ["file"])
    edit(path, mode=0o600)
    assert mode(path) == 0o600


def test_what_cannot_be_edited_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("other\n")
    with pytest.raises(EffectError, match="matches nothing: did it change upstream"):
        edit(path)
    assert path.read_text() == "other\n"
    with pytest.raises(EffectError, match=r"cannot edit .*: No such file"):
        edit(tmp_path / "none")


def test_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("old\n")
    (tmp_path / "link").symlink_to("precious")
    (tmp_path / "fix.patch").write_text("--- a/f\n+++ b/f\n@@ -1 +1 @@\n-old\n+new\n")
    link = str(tmp_path / "link")
    with pytest.raises(EffectError, match="is a link to precious"):
        edit(tmp_path / "link")
    with pytest.raises(EffectError, match="is a link to precious"):
        file_edits.set_keys(SetKeys(path=link, format="yaml", keys=((("a",), "1"),)))
    with pytest.raises(EffectError, match="is a link to precious"):
        file_edits.patch(Patch(path=link, patches=(str(tmp_path / "fix.patch"),)))
    assert (tmp_path / "precious").read_text() == "old\n"


def test_keys_are_set_in_a_new_file_and_in_an_old_one(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.yml"
    for value in ("1", '"x"'):
        file_edits.set_keys(SetKeys(path=str(path), format="yaml", keys=((("a", "b"), value),), mode=0o600))
    assert (path.read_text(), mode(path)) == ("a:\n  b: x\n", 0o600)


def test_a_folder_is_patched_file_by_file(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "net.py").write_text("old\n")
    (tree / "net.py").chmod(0o640)
    (tree / "gone").write_text("x\n")
    (tmp_path / "fix.patch").write_text(DIFF)
    effect = Patch(path=str(tree), patches=(str(tmp_path / "fix.patch"),))
    for _ in range(2):
        file_edits.patch(effect)
        assert sorted(os.listdir(tree)) == ["more", "net.py"]
        assert ((tree / "net.py").read_text(), mode(tree / "net.py")) == ("new\n", 0o640)
        assert ((tree / "more/tool.sh").read_text(), mode(tree / "more/tool.sh")) == ("run\n", 0o644)
    (tree / "net.py").write_text("old\n")  # as an interruption between two files leaves it
    file_edits.patch(effect)
    assert (tree / "net.py").read_text() == "new\n"


def test_a_patch_that_does_not_fit_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("old\n")
    (tmp_path / "fix.patch").write_text(DIFF.replace("-x", "-y"))
    (tmp_path / "gone").write_text("x\n")
    with pytest.raises(EffectError, match="did it change upstream"):
        file_edits.patch(Patch(path=str(tmp_path), patches=(str(tmp_path / "fix.patch"),)))
    assert (tmp_path / "net.py").read_text() == "old\n"
    assert not (tmp_path / "more").exists()


def test_a_patch_never_goes_through_a_link(tmp_path: Path) -> None:
    tree, elsewhere = tmp_path / "tree", tmp_path / "elsewhere"
    tree.mkdir()
    elsewhere.mkdir()
    (tree / "sub").symlink_to(elsewhere)
    (tmp_path / "fix.patch").write_text("--- /dev/null\n+++ b/sub/f\n@@ -0,0 +1 @@\n+x\n")
    with pytest.raises(EffectError, match="sub is a link"):
        file_edits.patch(Patch(path=str(tree), patches=(str(tmp_path / "fix.patch"),)))
    assert os.listdir(elsewhere) == []


@pytest.mark.parametrize(("git", "before", "after"), [("755", 0o640, 0o750), ("644", 0o755, 0o644)])
def test_a_patch_makes_a_program_of_a_file_or_none(tmp_path: Path, git: str, before: int, after: int) -> None:
    path = tmp_path / "f"
    path.write_text("a\n")
    path.chmod(before)
    header = f"diff --git a/f b/f\nold mode 100644\nnew mode 100{git}\n"
    (tmp_path / "fix.patch").write_text(header + "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n")
    file_edits.patch(Patch(path=str(path), patches=(str(tmp_path / "fix.patch"),)))
    assert (path.read_text(), mode(path)) == ("b\n", after)
