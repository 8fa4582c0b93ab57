"""What to do about a machine that is not as the file requires: one table, by topic and by who runs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from provisioner.facts.platforms import Place

AdviceTopic: TypeAlias = Literal[
    "python",
    "memory",
    "accelerator",
    "new machine",
    "driver",
    "mount drive",
    "mount drive again",
    "missing file",
    "missing secret",
    "kernel",
    "locked base",
]
"""What is not as it should be: another Python, more memory, another accelerator, ..."""

MENU = "Runtime > Change runtime type"

IN_THE_KERNEL = """\
Run this in a cell:
    %load_ext provisioner
    %colabenv apply"""
"""The command that can do what only a notebook's kernel can."""

MOUNT_DRIVE = """\
Run this in a cell, and then run this again:
    from google.colab import drive
    drive.mount('{mount}')"""

MOUNT_DRIVE_AGAIN = """\
Run this in a cell, and then run this again:
    from google.colab import drive
    drive.flush_and_unmount()
    drive.mount('{mount}')"""

ON_KAGGLE = """\
Add it with Add-ons > Secrets, and run this in a cell:
    import os
    from kaggle_secrets import UserSecretsClient
    os.environ["{variable}"] = UserSecretsClient().get_secret("{name}")"""

ASK = """\
Set it where the kernel is started, or run this in a cell, which asks for it:
    import getpass, os
    os.environ["{variable}"] = getpass.getpass("{variable}: ")"""

UPLOAD = "Upload it with the file browser on the left, and move it there."

ADVICE: Mapping[AdviceTopic, Mapping[Place, str]] = {
    "python": {
        "colab": f"Choose {MENU} > Runtime version, and run this again.",
        "colab-enterprise": "Choose a runtime template with another version, and run this again.",
        "kaggle": "Choose another environment in the notebook's settings, and run this again.",
        "other": "Run provisioner with another Python, or let `pip: venv` name an environment that has one.",
    },
    "memory": {
        "colab": f"Choose {MENU} > High-RAM, and run this again.",
        "colab-enterprise": "Choose a runtime template with a larger machine, and run this again.",
        "kaggle": "Choose an accelerator in the notebook's settings whose machine has more, or ask for less.",
        "other": "Use a machine with more memory, or ask for less.",
    },
    "accelerator": {
        "colab": f"Choose {MENU} > {{entry}}, and run this again.",
        "colab-enterprise": "Choose a runtime template that fits, and run this again.",
        "kaggle": "Choose another accelerator in the notebook's settings, and run this again.",
        "other": "Use a machine that fits, or write `on_mismatch: warn`.",
    },
    "new machine": {
        "colab": "Or take a new machine: Runtime > Disconnect and delete runtime, then connect again.",
        "colab-enterprise": "Or delete the runtime, and connect to a new one.",
        "kaggle": "Or take a new machine: Run > Power off, then start the session again.",
        "other": "",
    },
    "driver": {
        "colab": f"Choose another Runtime version in {MENU}, and run this again.",
        "colab-enterprise": "Choose a newer runtime template, and run this again.",
        "kaggle": "Choose the latest environment in the notebook's settings, and run this again.",
        "other": "Install another NVIDIA driver on the machine, or write `on_mismatch: warn`.",
    },
    "mount drive": {
        "colab": MOUNT_DRIVE,
        "colab-enterprise": "Colab Enterprise cannot mount Drive: copy what you need from Cloud Storage "
        "with `datasets`, or write `required: false`.",
        "kaggle": "Kaggle cannot mount Drive: attach the data to the notebook with Add Input, which puts it "
        "below /kaggle/input, and write `required: false`.",
        "other": "Mount it there, with rclone for example, or write `required: false`.",
    },
    "mount drive again": {
        "colab": MOUNT_DRIVE_AGAIN,
        "other": "Mount it again, and then run this again.",
    },
    "missing file": {
        "colab": f"Only the kernel can ask for it in the browser. {IN_THE_KERNEL}",
        "colab-enterprise": "Upload it with the Files panel, and move it there.",
        "kaggle": "Attach it with Add Input, which puts it below /kaggle/input, and copy it there.",
        "studio-lab": UPLOAD,
        "jupyter": UPLOAD,
        "other": "Put the file there yourself, and then run this again.",
    },
    "missing secret": {
        "colab": f"Only the kernel can read Colab's Secrets. {IN_THE_KERNEL}",
        "colab-enterprise": "Colab Enterprise keeps secrets in Secret Manager: read it there in a cell, and "
        'put the value into os.environ["{variable}"].',
        "kaggle": ON_KAGGLE,
        "studio-lab": ASK,
        "vscode": ASK,
        "jupyter": ASK,
        "other": "Set it in the environment, and then run this again.",
    },
    "kernel": {"other": f"Only the kernel can do this to itself. {IN_THE_KERNEL}"},
    "locked base": {
        "other": "go back to the runtime that the lock was made for "
        f"(on Colab: {MENU} > Runtime version), or lock again",
    },
}
"""Where a place has no advice of its own, that of "other" is given."""


def advice(topic: AdviceTopic, place: Place = "other", **words: str) -> str:
    """What to do about `topic` where the notebook runs; `words` fill the text's blanks."""
    texts = ADVICE[topic]
    return texts.get(place, texts["other"]).format(**words)
