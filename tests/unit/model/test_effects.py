"""Effects are plain data: they survive JSON, and none is taken for another."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from pydantic import TypeAdapter

from provisioner.model.effects import Chmod, Copy, Edit, Effect, Insertion, Move, Patch, Replacement, SetKeys

EFFECTS = (
    Edit(
        path="/a",
        changes=(Replacement(find="a", replace="", count=2), Insertion(line="x", after="y")),
        mode=6,
    ),
    Edit(path="/a", changes=(Insertion(line="x"),)),
    SetKeys(path="/a", format="toml", keys=((("a", "b.c"), '[1, "x"]'), (("d",), "true"))),
    Patch(path="/a", patches=("/b", "/c"), strip=0),
    Copy(source="/a", path="/b", tree=True, keep=("/b/c",)),
    Copy(source="/a", path="/b"),
    Move(source="/a", path="/b"),
    Chmod(path="/a", mode=0o755, tree=True, keep=("/a/b",)),
)


@pytest.mark.parametrize("effect", EFFECTS, ids=lambda effect: type(effect).__name__)
def test_an_effect_survives_json(effect: Effect) -> None:
    adapter: TypeAdapter[Effect] = TypeAdapter(Effect)
    assert adapter.validate_python(json.loads(json.dumps(asdict(effect)))) == effect
