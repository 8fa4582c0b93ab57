"""What patches take away of what others make."""

from __future__ import annotations

import pytest

from provisioner.kinds.shared.patches import taken_away
from provisioner.model.effects import Patch
from tests.fakes import FakeMachine

REMOVES = "--- a/old/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
CHANGES = "--- a/y\n+++ b/y\n@@ -1 +1 @@\n-y\n+z\n"
MAKES = "--- /dev/null\n+++ b/old/x\n@@ -0,0 +1 @@\n+x\n"


@pytest.mark.parametrize(
    ("patches", "gone"),
    [
        ((REMOVES,), {"/work/t/old/x"}),
        ((REMOVES + CHANGES,), {"/work/t/old/x"}),
        ((CHANGES,), set()),
        ((REMOVES, MAKES), set()),
        ((MAKES, REMOVES), {"/work/t/old/x"}),
        (("no patch", REMOVES), {"/work/t/old/x"}),
    ],
    ids=["one", "among others", "none", "made again", "made before", "beside one that is none"],
)
def test_what_a_patch_removes(patches: tuple[str, ...], gone: set[str]) -> None:
    names = tuple(f"/work/{number}.patch" for number in range(len(patches)))
    machine = FakeMachine(changes=(Patch(path="/work/t", patches=(*names, "/work/yet-to-come.patch")),))
    for name, text in zip(names, patches, strict=True):
        machine.put(name, text)
    assert taken_away("/work/t", machine) == taken_away("/work", machine) == gone
    assert taken_away("/work/t/old", machine) == gone
    assert taken_away("/work/t/o", machine) == taken_away("/work/other", machine) == set()
