"""TOML as people review it: tables down to some depth, and one line for each file below that."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


def text(document: Mapping[str, Any], tables: int) -> str:
    """A document with at most `tables` levels of tables; what is not there or empty is left out.

    A blank line stands before every table.
    """
    import tomlkit

    return re.sub(r"(?<=[^\n])\n\[", "\n\n[", tomlkit.dumps(table(document, tables)))


def table(values: Mapping[str, Any], tables: int) -> Any:
    import tomlkit

    found = tomlkit.table()
    for key, value in values.items():
        if is_absent(value):
            continue
        if tables > 1 and isinstance(value, dict):
            found.add(key, table(value, tables - 1))
        elif tables > 1 and is_tables(value):
            found.add(key, tomlkit.aot())
            for item in value:
                found[key].append(table(item, tables - 1))
        else:
            found.add(key, inline(value))
    return found


def inline(value: Any) -> Any:
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


def is_tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def is_absent(value: Any) -> bool:
    """TOML knows no null, and readers have no need of empty lists."""
    return value is None or value is False or value in ("", [], {})
