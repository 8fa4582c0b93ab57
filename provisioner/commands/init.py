"""The colabenv.yaml that `init` writes: commented, true for this machine, and right at once."""

from __future__ import annotations

import re
from pathlib import Path

from provisioner.engine.connect import running_machine
from provisioner.machine.local import LocalMachine
from provisioner.model.errors import ProvisionerError

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

# pip:                            # what the image already holds stays as it is unless you name it here
#   packages: [keras, "xgboost>=2"]
#   requirements: [requirements.txt]

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

# verify:                         # proved at the end
#   imports: [keras]
#   commands: [{{run: [java, -version], matches: '"17'}}]
"""


def write_starter(path: Path, *, force: bool = False) -> Path:
    """Write a starting spec for this machine to `path`.

    Raises ProvisionerError when something is there already, unless `force`.
    """
    if path.exists() and not force:
        raise ProvisionerError(f"{path} is there already", "Give another name, or --force to overwrite it.")
    folder = str(path.resolve().parent)
    machine = running_machine(folder)
    name = re.sub(r"[^a-z0-9-]+", "-", Path(folder).name.lower()).strip("-") or "environment"
    text = TEMPLATE.format(
        name=name,
        python=".".join(machine.context.python.version.split(".")[:2]),
        accelerator="gpu" if machine.accelerators().gpus else "none",
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    except OSError as error:
        raise ProvisionerError(f"cannot write {path}: {error.strerror}") from error
    return path
