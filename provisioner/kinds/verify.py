"""Checks: what must be importable, and what commands must say. Nothing here changes anything."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field

from provisioner.kinds.base import Kind
from provisioner.kinds.shared.argv import (
    Argv,
    CommandVariables,
    environment,
    hint_for_missing,
    path_of,
    places,
)
from provisioner.kinds.shared.checks import ModuleName
from provisioner.kinds.shared.fields import Seconds, Section
from provisioner.machine.reader import Reader
from provisioner.model.effects import Run
from provisioner.model.plan import Check, Step

IMPORT = """\
import importlib, sys, traceback
try:
    importlib.import_module(sys.argv[1])
except BaseException as error:
    sys.exit(traceback.format_exception_only(error)[-1].strip())
"""
"""Run in its own interpreter: what one import breaks must not break the next."""

IMPORT_TIMEOUT = 180.0
"""Seconds: a first import of a framework compiles its modules and reads gigabytes of libraries."""

DISTRIBUTIONS = {
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "fitz": "PyMuPDF",
    "magic": "python-magic",
    "PIL": "pillow",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
"""Modules whose distribution has another name."""

LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libSM.so.6": "libsm6",
    "libXext.so.6": "libxext6",
    "libXrender.so.1": "libxrender1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgomp.so.1": "libgomp1",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libmagic.so.1": "libmagic1",
    "libportaudio.so.2": "libportaudio2",
    "libsndfile.so.1": "libsndfile1",
}
"""Shared libraries that wheels expect of the system, and the Debian packages that have them."""

COMMON = (
    *(
        (rf"{re.escape(library)}: cannot open", f"Add {package} to `apt: packages`.")
        for library, package in LIBRARIES.items()
    ),
    (
        r"numpy\.dtype size changed",
        "A package was built for another numpy: restart the runtime; if it happens again, "
        "ask for a version of the package that fits this numpy.",
    ),
    (
        r"operator torchvision::nms does not exist",
        "torch and torchvision do not match: name both in the file, so that they are installed together.",
    ),
    (
        r"lib(nvrtc|cudart|cudnn|cublas)\S*: cannot open",
        "CUDA's libraries are not on the loader's path: put their folder into a file in "
        "/etc/ld.so.conf.d and run ldconfig.",
    ),
    (
        r"partially initialized module",
        "A file of the same name beside the spec hides the package: rename it.",
    ),
    (r"No module named", "Add the distribution that has the module to `pip: packages`."),
)


def check_expression(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error}") from None
    return pattern


class VerifyCommand(Section):
    """A command that must end with 0, and say what is expected."""

    run: Argv = Field(
        description="The program and its arguments; no shell reads them.", examples=[["java", "-version"]]
    )
    matches: Annotated[str, AfterValidator(check_expression)] = Field(
        "",
        description="A regular expression that its output, errors included, must contain.",
        examples=['"17\\.'],
    )
    timeout: Seconds = Field(60.0, description="Seconds after which it is stopped, and has failed.")


class Verify(Section):
    """What must work once everything is in place."""

    imports: tuple[ModuleName, ...] = Field(
        (), description="Modules, each imported in its own interpreter.", examples=[["cv2", "xgboost"]]
    )
    commands: tuple[VerifyCommand, ...] = Field((), description="Commands that must succeed.")


@dataclass(frozen=True)
class VerifyFacts:
    """What to run checks with, and what their results depend on."""

    folder: str
    python: str
    variables: CommandVariables
    installed: tuple[str, ...]
    """Files and folders that change when a package is installed or removed."""


def observe(config: Verify, reader: Reader) -> VerifyFacts:
    return VerifyFacts(
        folder=reader.context.folder,
        python=reader.context.python.executable,
        variables=environment(reader),
        installed=(*reader.context.python.site_packages, "/var/lib/dpkg/status", "/etc/ld.so.cache"),
    )


def plan(config: Verify, facts: VerifyFacts) -> Iterable[Step]:
    """Nothing to change, ever."""
    return ()


def checks(config: Verify, facts: VerifyFacts) -> Iterator[Check]:
    for module in dict.fromkeys(config.imports):
        yield import_check(module, facts)
    for command in dict.fromkeys(config.commands):
        yield command_check(command, facts)


def import_check(module: str, facts: VerifyFacts) -> Check:
    top = module.partition(".")[0]
    absent = rf"No module named '{re.escape(top)}'"
    missing = f"Add {DISTRIBUTIONS.get(top, f'{top}, or the distribution that has it,')} to `pip: packages`."
    return Check(
        address=f"verify.import {module}",
        run=Run(
            argv=(facts.python, "-c", IMPORT, module),
            cwd=facts.folder,
            # A kernel's plotting backend does not exist in an interpreter without a kernel.
            env=(("MPLBACKEND", None), *facts.variables),
            timeout=IMPORT_TIMEOUT,
            hints=((absent, missing), *COMMON),
        ),
        watches=(*facts.installed, f"{facts.folder}/{top}", f"{facts.folder}/{top}.py"),
    )


def command_check(command: VerifyCommand, facts: VerifyFacts) -> Check:
    program = command.run[0]
    matching = f" ({command.matches})" if command.matches else ""
    return Check(
        address=f"verify.{shlex.join(command.run)}{matching}",
        run=Run(
            argv=command.run,
            cwd=facts.folder,
            env=facts.variables,
            timeout=command.timeout,
            hints=(hint_for_missing(program), *COMMON),
        ),
        matches=command.matches,
        watches=(*facts.installed, *places(program, facts.folder, path_of(facts.variables))),
    )


KIND = Kind(
    name="verify",
    config=Annotated[Verify, Field(description="What must be importable, and what commands must say.")],
    observe=observe,
    plan=plan,
    checks=checks,
)
