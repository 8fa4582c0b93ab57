"""What only Colab's kernel can do, by google.colab: mount Drive, read secrets, take a file from the browser.

All of it talks to the page that shows the notebook, so it must run in the kernel's main thread. Errors say
what to do.

Source: https://github.com/googlecolab/colabtools
"""

from __future__ import annotations

import os
import re
from importlib import import_module
from pathlib import Path
from typing import Any

from provisioner.machine.files import in_words, replacing
from provisioner.model.errors import EffectError

DRIVE_TROUBLES = (
    (
        r"timeout during initial read of root folder",
        "Drive took too long to list its top folder",
        "Move files from the top of My Drive into folders, then run this again; a second try often works.",
    ),
    (
        r"domain policy has disabled",
        "the administrator of this Google account's organisation does not allow Drive to be mounted",
        "Use another account, or copy what you need with `datasets`.",
    ),
    (
        r"credential propagation was unsuccessful",
        "Google did not give this notebook access to Drive",
        "Run this again, choose the account that this notebook is open with, and allow all it asks for.",
    ),
    (
        r"TIMEOUT|[Tt]imeout",
        "Drive gave no answer in time",
        "Run this again; if that does not help, choose Runtime > Disconnect and delete runtime.",
    ),
    (
        r"Errno (5|107)\b|Transport endpoint is not connected",
        "an earlier mount of Drive is broken",
        "Run `from google.colab import drive; drive.flush_and_unmount()` in a cell, then this again.",
    ),
)
"""(regular expression over the error, what happened, what to do): the first that matches is shown."""

UNEXPLAINED = "Drive could not be mounted"
AGAIN = "Run this again; if that does not help, choose Runtime > Disconnect and delete runtime."

NO_PAGE = "'NoneType' object has no attribute 'kernel'"
"""What google.colab raises where there is no kernel to talk to the page."""

SECRET_TROUBLES = {
    "SecretNotFoundError": (
        "Colab's Secrets have no {name}",
        "Add it: click the key symbol at the left, then Add new secret, and turn on Notebook access.",
    ),
    "NotebookAccessError": (
        "this notebook may not read the secret {name}",
        "Allow it: click the key symbol at the left, and turn on Notebook access for {name}.",
    ),
    "TimeoutException": (
        "the Colab page does not answer, and only it can read the secret {name}",
        "Open the notebook at https://colab.research.google.com and run this there, "
        "or set {name} in the environment before the kernel starts.",
    ),
}
"""By the exception's name, as newer versions of google.colab have more of them than older ones."""


def service(name: str) -> Any:
    """A module of google.colab's. Raises EffectError where it is not installed."""
    try:
        return import_module(f"google.colab.{name}")
    except ImportError as error:
        raise EffectError(f"google.colab has no {name} here", "Run this in a notebook on Colab.") from error


def mount(path: str) -> None:
    """Mount Drive; Colab asks the user. Raises EffectError."""
    drive = service("drive")
    try:
        drive.mount(path)
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        for pattern, what, todo in DRIVE_TROUBLES:
            if re.search(pattern, said):
                raise EffectError(what, todo, said) from error
        raise EffectError(UNEXPLAINED, AGAIN, said) from error


def secret(name: str) -> str:
    """The value of a secret. Raises EffectError, which never contains it."""
    userdata = service("userdata")
    try:
        return str(userdata.get(name))
    except Exception as error:
        known = SECRET_TROUBLES.get(type(error).__name__)
        if NO_PAGE in str(error):
            known = SECRET_TROUBLES["TimeoutException"]
        if known is None:
            raise EffectError(
                f"Colab did not give the secret {name}: {type(error).__name__}", AGAIN
            ) from error
        what, todo = known
        raise EffectError(what.format(name=name), todo.format(name=name)) from error


def upload(path: str, mode: int) -> None:
    """Let the user choose one file in the browser, and write it to `path`. Raises EffectError.

    google.colab also writes the file into the working directory; that copy is removed.
    """
    files = service("files")
    print(f"Choose the file that becomes {path}:")  # noqa: T201 - said above the picker
    before = set(os.listdir())
    try:
        chosen: dict[str, bytes] = files.upload()
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise EffectError("no file could be chosen in the browser", "Run the cell again.", said) from error
    for name in set(os.listdir()) - before:
        copy = Path(name)
        if copy.is_file() and copy.read_bytes() in chosen.values():
            copy.unlink()
    if len(chosen) != 1:
        raise EffectError(
            f"{len(chosen) or 'no'} files were chosen for {path}", "Run this again and choose exactly one."
        )
    with in_words("write", path), replacing(path, mode) as file:
        file.write(next(iter(chosen.values())))
