"""What the parts of a section claim, which orders them among all others."""

from __future__ import annotations

from provisioner.kinds.base import Entry
from provisioner.kinds.git.kind import entries
from tests import scene
from tests.fakes import FakeMachine


def claims(wanted: object) -> dict[str, Entry]:
    config = scene.validate("git", wanted, FakeMachine())
    return {entry.address: entry for entry in entries(config, "/work")}  # type: ignore[arg-type]


def test_every_part_is_an_entry() -> None:
    found = claims(
        {"repos": {"hw": {"url": "https://example.org/hw"}, "in": {"url": "local/x.git", "to": "src/x"}}}
    )
    assert list(found) == ["git.packages", "git.hw", "git.in"]
    assert found["git.packages"].makes == ("program:git",)
    assert found["git.hw"].makes == ("/work/hw",)
    assert found["git.hw"].place == ("repos", "hw")
    assert found["git.in"].makes == ("/work/src/x",)
    assert found["git.in"].reads == ("/work/local/x.git",)
    assert "program:git" in found["git.hw"].uses


def test_a_server_is_asked_when_it_can_know_who_asks() -> None:
    wanted = {"repos": {"hw": {"url": "https://example.org/hw"}, "key": {"url": "git@example.org:x"}}}
    found = claims(wanted)
    assert found["git.hw"].reads == ("/root/.git-credentials", "/root/.netrc")
    assert "/root/.ssh/id_ed25519" in found["git.key"].reads
    assert "git:config" not in found["git.hw"].reads
    assert "git:config" not in claims({**wanted, "config": {"user.name": "Ann"}})["git.hw"].reads
    found = claims({**wanted, "config": {"credential.helper": "store"}})
    assert found["git.config"].makes == ("git:config",)
    assert "git:config" in found["git.hw"].reads
