"""Plans and reports as JSON documents, and back."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from provisioner.model.accelerators import Accelerators
from provisioner.model.effects import Write
from provisioner.model.errors import ProvisionerError
from provisioner.model.plan import Action, Change, Plan, Report, Verdict, fingerprint

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
                "framework": verdict.address.removeprefix("accelerator."),
                "passed": verdict.passed,
                "remembered": verdict.remembered,
                "message": verdict.message,
                "hint": verdict.hint,
                **{key: value for key, value in verdict.data.items() if key != "framework"},
            }
            for verdict in verdicts
            if verdict.address.startswith("accelerator.")
        ]
    }


def text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def plan_from(source: str, filename: str) -> Plan:
    """The plan in a document that `plan --out` made.

    Raises ProvisionerError when it is no such document.
    """
    try:
        document = json.loads(source)
        if not isinstance(document, dict) or document.get("format") != PLAN_FORMAT:
            raise ProvisionerError(f"{filename} is no {PLAN_FORMAT} document")
        return TypeAdapter(Plan).validate_python(document["plan"])
    except (ValueError, KeyError, ValidationError) as error:
        raise ProvisionerError(
            f"{filename} is not a plan that can be read", "Make it again: plan --out."
        ) from error


def keep_plan(plan: Plan, path: str) -> None:
    """Keep a plan in a file for its owner alone: it holds URLs as the spec has them, perhaps with a token."""
    from provisioner.machine import files

    files.write(Write(path=os.path.abspath(path), text=text(plan_document(plan)), mode=0o600))


def saved_plan(path: str) -> Plan | None:
    """The plan in a file that `plan --out` wrote, or None when the file is something else."""
    try:
        with Path(path).open(encoding="utf-8") as file:
            text = file.read() if file.read(1) == "{" else ""
    except (OSError, UnicodeDecodeError):
        return None
    if not text:
        return None
    saved = plan_from("{" + text, path)
    if saved.against:
        raise ProvisionerError(
            f"{path} is a plan for {saved.against.image}, which is there to be read",
            "Make one on the machine that it is for: plan --out.",
        )
    return saved
