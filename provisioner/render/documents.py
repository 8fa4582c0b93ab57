"""Plans and reports as JSON documents, and back."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict

from pydantic import TypeAdapter

from provisioner.model.accelerators import Accelerators
from provisioner.model.jsontypes import Json, JsonObject
from provisioner.model.plan import Action, Change, Plan, fingerprint
from provisioner.model.report import Event, Report, Verdict

PLAN_FORMAT = "provisioner.plan/1"
REPORT_FORMAT = "provisioner.report/1"


def changes(found: Iterable[Change]) -> list[Json]:
    return [
        {
            "address": change.address,
            "action": change.action.value,
            "before": change.before,
            "after": list(change.known_after) if change.action is Action.DEFERRED else change.after,
            "reason": change.reason,
            "transitive": change.transitive,
        }
        for change in found
    ]


def summary(plan: Plan) -> dict[str, int]:
    """How many changes there are of each action, and the bytes to download as far as they are known."""
    counted = Counter(change.action for change in plan.changes)
    return {action.value: counted[action] for action in Action} | {"download": plan.download}


def plan_document(plan: Plan) -> JsonObject:
    """What `plan --json` prints and `plan --out` keeps."""
    return {
        "format": PLAN_FORMAT,
        "name": plan.name,
        "fingerprint": fingerprint(plan) or None,
        "against": asdict(plan.against) if plan.against else None,
        "summary": summary(plan),
        "changes": changes(plan.changes),
        "plan": TypeAdapter(Plan).dump_python(plan, mode="json"),
    }


def report_document(report: Report) -> JsonObject:
    """What `apply --json` and `verify --json` print."""
    dumped = TypeAdapter(Report).dump_python(report, mode="json")
    return {
        "format": REPORT_FORMAT,
        "name": report.plan.name,
        "ok": report.ok,
        "fingerprint": report.fingerprint or None,
        "summary": summary(report.plan),
        "changes": changes(report.plan.changes),
        "outcomes": dumped["outcomes"],
        "residual": changes(report.residual),
        "accelerator": accelerator(report.accelerators, report.verdicts),
        "verdicts": dumped["verdicts"],
        "restart": list(report.restart),
        "seconds": report.seconds,
        "log": report.log,
    }


def event_document(event: Event) -> JsonObject:
    """A line of what `apply --events` writes."""
    return dataclasses.asdict(event) | {
        "status": event.status.value if event.status else None,
        "planned": changes(change for step in event.planned for change in step.changes),
    }


def accelerator(found: Accelerators | None, verdicts: Iterable[Verdict]) -> JsonObject | None:
    """What is attached, and the checks of the frameworks; None when the spec does not ask."""
    if found is None:
        return None
    document: JsonObject = TypeAdapter(Accelerators).dump_python(found, mode="json")
    return document | {"frameworks": [framework(verdict) for verdict in verdicts if verdict.framework]}


def framework(verdict: Verdict) -> JsonObject:
    """The check of a framework, and all data that it returned."""
    data: JsonObject = TypeAdapter(dict[str, object]).dump_python(verdict.data, mode="json")
    return {
        "framework": verdict.framework,
        "passed": verdict.passed,
        "remembered": verdict.remembered,
        "message": verdict.message,
        "hint": verdict.hint,
        **{key: value for key, value in data.items() if key != "framework"},
    }


def text(document: JsonObject) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
