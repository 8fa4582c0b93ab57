"""TOML as people review it: tables down to some depth, and one line for each file below that."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tomlkit.items import Table


def text(document: Mapping[str, object], tables: int) -> str:
    """A document with at most `tables` levels of tables; what is absent or empty is left out.

    There is a blank line before every table.
    """
    import tomlkit

    return re.sub(r"(?<=[^\n])\n\[", "\n\n[", tomlkit.dumps(table(document, tables)))


def table(values: Mapping[str, object], tables: int) -> Table:
    import tomlkit

    found = tomlkit.table()
    for key, value in values.items():
        if is_absent(value):
            continue
        if tables > 1 and isinstance(value, dict):
            found.add(key, table(value, tables - 1))
        elif tables > 1 and isinstance(value, list) and is_tables(value):
            found.add(key, tomlkit.aot())
            for item in value:
                found[key].append(table(item, tables - 1))
        else:
            found.add(key, inline(value))
    return found


def inline(value: object) -> object:
    """A value on one line; of several files each has its own."""
    import tomlkit

    if isinstance(value, dict):
        found = tomlkit.inline_table()
        found.update({key: inline(item) for key, item in value.items() if not is_absent(item)})
        return found
    if isinstance(value, list):
        array = tomlkit.array()
        array.extend(map(inline, value))
        return array.multiline(len(value) > 1)
    return value


def is_tables(values: list[object]) -> bool:
    return all(isinstance(item, dict) for item in values)


def is_absent(value: object) -> bool:
    """TOML knows no null, and readers have no need of empty lists."""
    return value is None or value is False or value in ("", [], {})
