"""The names of Debian packages."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

NAME = re.compile(r"[a-z0-9][a-z0-9+.-]*[a-z0-9+.](?::[a-z0-9-]+)?")


def check_name(value: str) -> str:
    if not NAME.fullmatch(value):
        raise ValueError("is not the name of a Debian package; write it like libgl1 or libgl1:i386")
    return value


PackageName = Annotated[str, AfterValidator(check_name)]
