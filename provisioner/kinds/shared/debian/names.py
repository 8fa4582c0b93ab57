"""The names and versions of Debian packages."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from provisioner.kinds.shared.checks import check_name

NAME = re.compile(r"[a-z0-9][a-z0-9+.-]*[a-z0-9+.](?::[a-z0-9-]+)?")


def check_package(value: str) -> str:
    """The name of a package, perhaps of a foreign architecture."""
    return check_name(value, NAME, "is not the name of a Debian package; write it like libgl1 or libgl1:i386")


PackageName = Annotated[str, AfterValidator(check_package)]
ExactVersion = Annotated[str, Field(pattern=r"^[0-9][A-Za-z0-9.+~:-]*$")]
