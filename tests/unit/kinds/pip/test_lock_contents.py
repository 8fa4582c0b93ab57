"""What pins have, for whoever reviews a lock and for bills of materials."""

from __future__ import annotations

from provisioner.kinds.base import LockedEntry, PackageUrl
from provisioner.kinds.pip.lock import contents, materials
from provisioner.kinds.shared.pylock import PYPI, PipPins

SHA, OTHER = "ab" * 32, "cd" * 32
COMMIT = "c0" * 20
WHEEL = "https://example.org/rose-1.0-py3-none-any.whl"

PINS = PipPins.model_validate(
    {
        "packages": [
            {
                "name": "rose",
                "version": "1.0",
                "index": PYPI,
                "wheels": [{"url": WHEEL, "size": 7, "hashes": {"sha256": SHA}}],
            },
            {
                "name": "moss",
                "version": "2.0",
                "index": "https://example.org/simple",
                "sdist": {"path": "moss-2.0.tar.gz", "hashes": {"sha256": OTHER}},
            },
            {
                "name": "tool",
                "version": "0.1",
                "vcs": {
                    "type": "git",
                    "url": "https://example.org/tool",
                    "commit-id": COMMIT,
                    "subdirectory": "python",
                },
            },
            {
                "name": "lily",
                "version": "3.0",
                "archive": {"url": "https://example.org/lily.zip", "hashes": {"sha256": SHA}},
            },
            {"name": "own", "directory": {"path": "src", "editable": True}},
        ],
        "base": [{"name": "soil", "version": "1.5", "limits": ">=1"}],
    }
)


def test_each_package_on_top_is_an_entry() -> None:
    found = contents(PINS)
    assert found.entries == (
        LockedEntry("rose", "1.0", (SHA,)),
        LockedEntry("moss", "2.0", (OTHER,), built=True),
        LockedEntry("tool", f"0.1 ({COMMIT[:12]})"),
        LockedEntry("lily", "3.0", (SHA,)),
        LockedEntry("own", "as it is"),
    )
    assert found.on_top == {"rose", "moss", "tool", "lily", "own"}
    assert found.unlocked == ()


def test_each_package_is_a_material_with_its_source() -> None:
    found = {each.name: each for each in materials(PINS, "Debian GNU/Linux 12 (bookworm)")}
    assert [each.address for each in found.values()] == [
        f"pip.{name}" for name in ("rose", "moss", "tool", "lily", "own", "soil")
    ]
    assert found["rose"].purl == PackageUrl("pypi", "rose", "1.0")
    assert (found["rose"].files, found["rose"].notes) == (((WHEEL, SHA),), {"size": 7, "path": None})
    assert found["moss"].purl == PackageUrl(
        "pypi", "moss", "2.0", qualifiers={"repository_url": "https://example.org/simple"}
    )
    assert found["moss"].notes == {"size": None, "path": "moss-2.0.tar.gz"}
    assert found["tool"].repository == "https://example.org/tool"
    assert found["tool"].purl == PackageUrl(
        "pypi",
        "tool",
        "0.1",
        qualifiers={"vcs_url": f"git+https://example.org/tool@{COMMIT}"},
        subpath="python",
    )
    assert found["lily"].purl == PackageUrl(
        "pypi", "lily", "3.0", qualifiers={"download_url": "https://example.org/lily.zip"}
    )
    assert (found["own"].purl, found["own"].notes) == (None, {"size": None, "path": "src"})
    assert (found["soil"].version, found["soil"].notes) == ("1.5", {"brought-by": "base"})
