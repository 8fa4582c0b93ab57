"""What a JSON document is, for type checkers."""

from __future__ import annotations

from typing import TypeAlias, Union

Json: TypeAlias = Union[None, bool, int, float, str, list["Json"], dict[str, "Json"]]

JsonObject: TypeAlias = dict[str, Json]
