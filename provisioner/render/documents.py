"""Plans and reports as JSON documents, and back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter

from provisioner.model.accelerators import Accelerators
from provisioner.model.plan import Action, Change, Plan, fingerprint
from provisioner.model.report import Report, Verdict

PLAN_FORMAT = "provisioner.plan/1"
REPORT_FORMAT = "provisioner.report/1"


def changes(found: Iterable[Change]) -> list[dict[str, Any]]:
    return [
        {
            "address": change.address,
            "action": change.action.value,
            "before": change.before,
            "after": change.after,
            "reason": change.reason,
            "along": change.along,
        }
        for change in found
    ]


def summary(plan: Plan) -> dict[str, int]:
    """How many changes there are of each action, and the bytes to download as far as they are known."""
    counted = Counter(change.action for change in plan.changes)
    return {action.value: counted[action] for action in Action} | {"download": plan.download}


def plan_document(plan: Plan) -> dict[str, Any]:
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


def report_document(report: Report) -> dict[str, Any]:
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


def accelerator(found: Accelerators | None, verdicts: Iterable[Verdict]) -> dict[str, Any] | None:
    """What is attached and what the frameworks make of it; None when nobody asked."""
    if found is None:
        return None
    document: dict[str, Any] = TypeAdapter(Accelerators).dump_python(found, mode="json")
    return document | {
        "frameworks": [
            {
                "framework": verdict.framework,
                "passed": verdict.passed,
                "remembered": verdict.remembered,
                "message": verdict.message,
                "hint": verdict.hint,
                **{key: value for key, value in verdict.data.items() if key != "framework"},
            }
            for verdict in verdicts
            if verdict.framework
        ]
    }


def text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
