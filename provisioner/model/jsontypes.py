"""What a JSON document is, for type checkers."""

from __future__ import annotations

from typing import TypeAlias

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None

JsonObject: TypeAlias = dict[str, Json]
