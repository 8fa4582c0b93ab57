"""`colabenv doctor`: the accelerators of any machine, as text for a bug report."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from provisioner.commands import arguments
from provisioner.commands.exit_codes import DONE

if TYPE_CHECKING:
    from provisioner.commands.screen import Screen
    from provisioner.engine.examine import MachineExamination
    from provisioner.model.jsontypes import JsonObject

DOCTOR_FORMAT = "provisioner.doctor/1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-frameworks", action="store_true", help="check the hardware only")
    arguments.add_json(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    from provisioner import api
    from provisioner.render import documents

    seen = api.examine(frameworks=not options.no_frameworks)
    screen.say(documents.text(document(seen)) if options.json else text(seen))
    return DONE


def document(seen: MachineExamination) -> JsonObject:
    """What `doctor --json` prints."""
    from provisioner.render import documents

    return {
        "format": DOCTOR_FORMAT,
        "machine": dict(seen.machine),
        "accelerator": documents.accelerator(seen.accelerators, seen.verdicts),
        "odd": [asdict(each) for each in seen.problems],
    }


def text(seen: MachineExamination) -> str:
    """What `doctor` prints."""
    from provisioner.render.accelerator import render_table

    widest = max(map(len, seen.machine))
    lines = [f"{label:{widest}}  {value}" for label, value in seen.machine.items()]
    table = [*render_table(seen.accelerators, seen.verdicts)]
    if not (seen.accelerators.gpus or seen.accelerators.tpu):
        table = ["No accelerator can be used.", *table]
    listed = [f"- {each.message}.\n  {each.remedy}".rstrip() for each in seen.problems]
    problems = ["Problems:", *listed] if listed else ["No problems found."]
    return "\n".join([*lines, "", *table, "", *problems]) + "\n"
