"""What a new lock keeps of the earlier one, and what may be newer."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kinds.base import Pinning
from provisioner.kinds.pip.section import Pip
from provisioner.kinds.pip.upgrade import UpgradeStrategy, upgrade_strategy
from provisioner.kinds.shared.pylock import PipPins

SHA = "ab" * 32
COMMIT = "c0" * 20


def pinned(*packages: dict[str, Any]) -> PipPins:
    return PipPins.model_validate({"packages": packages})


def wheel(name: str) -> dict[str, Any]:
    file = {"url": f"https://example.org/{name}-1.0-py3-none-any.whl", "hashes": {"sha256": SHA}}
    return {"name": name, "version": "1.0", "wheels": [file]}


def commit(revision: str | None = None) -> dict[str, Any]:
    vcs = {
        "type": "git",
        "url": "https://example.org/tool",
        "requested-revision": revision,
        "commit-id": COMMIT,
    }
    return {"name": "tool", "version": "1.0", "vcs": vcs}


@pytest.mark.parametrize(
    ("upgrade", "kept", "newest"),
    [
        (frozenset[str](), ["rose==1.0", "lily==1.0"], ()),
        (frozenset({"Rose"}), ["lily==1.0"], ("rose",)),
        (None, [], ("lily", "rose")),
    ],
)
def test_what_is_kept_and_what_is_renewed(
    upgrade: frozenset[str] | None, kept: list[str], newest: tuple[str, ...]
) -> None:
    found = upgrade_strategy(Pinning(pinned(wheel("rose"), wheel("lily")), exact=False, upgrade=upgrade))
    assert ([str(each) for each in found.preferences], found.newest) == (kept, newest)
    assert found.options == tuple(word for name in newest for word in ("--upgrade-package", name))


@pytest.mark.parametrize("pinning", [None, Pinning(pinned(wheel("rose")), upgrade=None)])
def test_exact_pins_leave_nothing_to_prefer(pinning: Pinning[PipPins] | None) -> None:
    assert upgrade_strategy(pinning) == UpgradeStrategy()


@pytest.mark.parametrize(
    ("package", "revision", "expected"),
    [
        ("tool @ git+https://example.org/tool", None, f"tool @ git+https://example.org/tool@{COMMIT}"),
        ("Tool@git+https://example.org/tool@main", "main", f"tool @ git+https://example.org/tool@{COMMIT}"),
        (
            "tool[b,a] @ git+https://example.org/tool/#subdirectory=x ; python_version > '3'",
            None,
            f'tool[a,b] @ git+https://example.org/tool/@{COMMIT}#subdirectory=x ; python_version > "3"',
        ),
        ("tool @ git+https://example.org/tool@v2", "main", None),
        ("tool @ git+https://example.org/tool", "main", None),
        ("tool @ git+https://example.org/other", None, None),
        ("tool @ https://example.org/tool", None, None),
        ("tool", None, None),
        ("rose @ git+https://example.org/tool", None, None),
    ],
)
def test_a_branch_stays_at_its_commit_while_the_same_is_asked_for(
    package: str, revision: str | None, expected: str | None
) -> None:
    config = Pip.model_validate({"packages": [package]})
    pins = pinned(commit(revision), wheel("rose"))
    (found,) = upgrade_strategy(Pinning(pins, exact=False)).at_commits(config.packages)
    assert str(found) == (expected or package)
    renewed = upgrade_strategy(Pinning(pins, exact=False, upgrade=frozenset({"TOOL"})))
    assert renewed.at_commits(config.packages) == config.packages
