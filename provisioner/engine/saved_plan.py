"""A plan that was saved to a file, and whether it is still valid."""

from __future__ import annotations

import json
import os
from dataclasses import replace

from pydantic import TypeAdapter, ValidationError

from provisioner.machine import files
from provisioner.model.effects import Write
from provisioner.model.errors import PlanMovedError, ProvisionerError
from provisioner.model.plan import Plan, Step
from provisioner.render.documents import PLAN_FORMAT, plan_document, text


def refuse_if_moved(saved: Plan, plan: Plan) -> None:
    """Raise PlanMovedError unless `saved` is what would be planned now."""
    if saved.digest != plan.digest:
        raise PlanMovedError(f"{plan.spec} was edited after the plan was made", "Make a new plan.")
    if saved.lock != plan.lock:
        raise PlanMovedError(f"the lock of {plan.spec} changed after the plan was made", "Make a new plan.")
    if without_warnings(saved) != without_warnings(plan):
        theirs, ours = set(saved.changes), set(plan.changes)
        moved = sorted({change.address for change in theirs ^ ours}) or ["how the steps are done"]
        raise PlanMovedError(
            f"the plan does not match this machine; these differ: {', '.join(moved)}",
            "Make a new plan.",
        )


def without_warnings(plan: Plan) -> tuple[Step, ...]:
    """The steps without their warnings, which may describe something temporary."""
    return tuple(replace(step, warnings=()) for step in plan.steps)


def plan_from(source: str, filename: str) -> Plan:
    """The plan in a document that `plan --out` made.

    Raises ProvisionerError when it is not such a document.
    """
    try:
        document = json.loads(source)
        if not isinstance(document, dict) or document.get("format") != PLAN_FORMAT:
            raise ProvisionerError(f"{filename} is not a {PLAN_FORMAT} document")
        return TypeAdapter(Plan).validate_python(document["plan"])
    except (ValueError, KeyError, ValidationError) as error:
        raise ProvisionerError(
            f"{filename} is not a plan that can be read", "Make it again: plan --out."
        ) from error


def keep_plan(plan: Plan, path: str) -> None:
    """Save a plan to a file that only its owner can read: its URLs may have tokens, as in the spec."""
    files.write(Write(path=os.path.abspath(path), text=text(plan_document(plan)), mode=0o600))


def saved_plan(path: str) -> Plan | None:
    """The plan in a file that `plan --out` wrote, or None when the file is something else."""
    try:
        if files.read_regular(path, 1) != b"{":
            return None
        source = files.read_regular(path).decode()
    except (OSError, UnicodeDecodeError):
        return None
    saved = plan_from(source, path)
    refuse_elsewhere(saved, path)
    return saved


def refuse_elsewhere(saved: Plan, called: str) -> None:
    """Raise ProvisionerError for a plan that is for another machine."""
    if saved.against:
        raise ProvisionerError(
            f"{called} is a plan for {saved.against.image} and cannot be applied",
            "Make a plan on that machine: plan --out.",
        )
