"""Every kind, planned from data: wanted crossed with found."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from provisioner.kinds import registry
from provisioner.model.plan import Action
from tests import scene

CASES = [pytest.param(kind, case, id=f"{kind}: {case['name']}") for kind, case in scene.read_cases()]


@pytest.mark.parametrize(("kind", "case"), CASES)
def test_case(kind: str, case: scene.Case) -> None:
    machine = scene.build(case.get("found", {}))
    if "invalid" in case:
        with pytest.raises(ValidationError, match=case["invalid"]):
            scene.validate(kind, case["wanted"], machine)
        return
    config = scene.validate(kind, case["wanted"], machine) if "wanted" in case else None
    before = dict(machine.entries)
    steps = scene.plan(kind, config, machine)
    assert machine.entries == before, "planning changed the machine"
    assert [scene.format_change(change) for step in steps for change in step.changes] == case.get("plan", [])
    for expected in case.get("reasons", ()):
        told = [change.reason for step in steps for change in step.changes]
        told += [warning for step in steps for warning in step.warnings]
        assert any(re.search(expected, text) for text in told), told
    if "warnings" in case:
        assert [warning for step in steps for warning in step.warnings] == case["warnings"]
    if "effects" in case:
        effects = [scene.format_effect(effect) for step in steps for effect in step.effects]
        assert effects == case["effects"]
    if "checks" in case:
        definition = registry.get(kind)
        checks = definition.checks(config, definition.observe(config, machine))
        assert [f"{check.address}: {' '.join(check.run.argv)}" for check in checks] == case["checks"]
    definition = scene.kind_of(kind, config)
    named = list(definition.named(config, definition.observe(config, machine)))
    assert all(address == kind or address.startswith(f"{kind}.") for address, _ in named)
    if "named" in case:
        assert dict(named) == case["named"]
    if case.get("converges"):
        left = scene.settle(kind, config, machine)
        assert [change for step in left for change in step.changes if change.action is not Action.KEEP] == []


def test_every_kind_has_cases() -> None:
    assert {kind for kind, _ in scene.read_cases()} == set(registry.NAMES)
