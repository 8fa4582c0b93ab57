"""`colabenv init`: a colabenv.yaml with comments, and valid for this machine at once."""

from __future__ import annotations

import argparse
import os
import re
from typing import TYPE_CHECKING

from provisioner.commands import arguments
from provisioner.commands.exit_codes import DONE
from provisioner.model import defaults

if TYPE_CHECKING:
    from provisioner.commands.screen import Screen
    from provisioner.snapshots.snapshot import Snapshot

TEMPLATE = """\
# yaml-language-server: $schema=.colabenv.schema.json
# (made by: colabenv schema > .colabenv.schema.json; with it an editor completes and explains every key)
#
# What this machine must be. See what would change: colabenv plan; make it so: colabenv apply.
version: 1
name: {name}

runtime:                          # asserted, never changed
  python: ">={python}"

accelerator: {accelerator:<20} # a model (T4), gpu, tpu, or {{any_of: [T4, L4, cpu]}}

# apt:
#   packages: [ffmpeg, {{any_of: [libgl1, libgl1-mesa-glx]}}]

# jdk: 17                         # the default java and javac, and JAVA_HOME

# pip:                            # what the image already has stays unless you name it here
#   packages: [keras, "xgboost>=2"]
#   requirements: [requirements.txt]

# git:
#   repos:
#     tool: {{url: "https://example.org/tool.git", rev: v1.2}}

# datasets:
#   flowers:
#     url: https://example.org/flowers.tgz
#     unpack: true                # the first report prints the sha256 line to paste here
#     to: data/flowers

# drive:
#   mount: /content/drive
#   links: {{models: MyDrive/models}}

# inputs:                         # asked for in the notebook's page, when they are not there
#   kaggle: {{to: ~/.kaggle/kaggle.json, mode: "0600"}}

# env:                            # for later shells and kernels
#   TOKENIZERS_PARALLELISM: "false"

# files:
#   - {{path: ~/.config/tool.toml, content: "answer = 42"}}

# secrets: [HF_TOKEN]             # from Colab's Secrets or the environment; never written anywhere

# notebook:                       # in the kernel itself: %load_ext provisioner, %colabenv apply
#   extensions: [autoreload]

# run:
#   - {{name: build, command: [make, -C, src], creates: src/build/out}}

# verify:                         # checked at the end
#   imports: [keras]
#   commands: [{{run: [java, -version], matches: '"17'}}]
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path",
        metavar="spec",
        nargs="?",
        default=defaults.SPEC,
        help=f"the file to write (default: {defaults.SPEC})",
    )
    arguments.add_force(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    from provisioner import api
    from provisioner.machine import files
    from provisioner.model.effects import Write
    from provisioner.model.errors import ProvisionerError

    path = options.path
    if files.exists(path) and not options.force:
        raise ProvisionerError(f"{path} already exists", "Give another name, or --force to overwrite it.")
    folder = os.path.basename(os.path.dirname(os.path.abspath(path)))
    files.write(Write(path=files.real(path), text=first_spec(folder, api.snapshot())))
    screen.say(f"Wrote {path}. Next: edit it, then plan, then apply.\n")
    return DONE


def first_spec(folder: str, seen: Snapshot) -> str:
    """The text of a spec for a machine, named after its folder."""
    return TEMPLATE.format(
        name=re.sub(r"[^a-z0-9-]+", "-", folder.lower()).strip("-") or "environment",
        python=".".join(str(seen.machine.python["version"]).split(".")[:2]),
        accelerator="gpu" if seen.machine.accelerators.gpus else "none",
    )
