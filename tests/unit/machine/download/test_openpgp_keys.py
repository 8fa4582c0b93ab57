"""Installing the public keys of apt repositories."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from provisioner.machine.download import openpgp, openpgp_keys
from provisioner.model.effects import InstallKey
from provisioner.model.errors import EffectError, TransientError
from tests.server import Server


def key(number: int) -> bytes:
    """A public key packet as small as one can be, followed by a user's name."""
    body = b"\x04" + number.to_bytes(4) + b"\x01" + b"\x00\x08\x81" + b"\x00\x02\x03"
    return bytes([0x99, 0, len(body)]) + body + b"\xb4\x04user"


GOOD, OTHER = key(1), key(2)
(FINGERPRINT,) = openpgp.fingerprints(GOOD)


def install(
    path: Path, *, fingerprint: str = FINGERPRINT, url: str | None = None, text: str | None = None
) -> None:
    effect = InstallKey(path=str(path), fingerprint=fingerprint, url=url, text=text)
    assert openpgp_keys.install(effect, lambda done, total, text: None, lambda: False) == ""


def test_a_key_written_in_the_spec(tmp_path: Path) -> None:
    install(tmp_path / "keyrings" / "x.gpg", text=openpgp.armor(GOOD))
    assert (tmp_path / "keyrings" / "x.gpg").read_bytes() == GOOD
    assert stat.S_IMODE((tmp_path / "keyrings" / "x.gpg").stat().st_mode) == 0o644


@pytest.mark.parametrize("body", [GOOD, openpgp.armor(GOOD).encode()])
def test_a_key_from_a_server(server: Server, tmp_path: Path, body: bytes) -> None:
    install(tmp_path / "x.asc", url=server.put("/key", body))
    assert openpgp.dearmor((tmp_path / "x.asc").read_bytes()) == GOOD
    assert (tmp_path / "x.asc").read_bytes().startswith(b"-----BEGIN")


def test_a_fingerprint_may_be_written_in_groups(tmp_path: Path) -> None:
    grouped = " ".join(FINGERPRINT[start : start + 4] for start in range(0, 40, 4)).lower()
    install(tmp_path / "x.gpg", fingerprint=grouped, text=openpgp.armor(GOOD))


def test_a_strangers_key_in_the_same_file_is_not_installed(server: Server, tmp_path: Path) -> None:
    install(tmp_path / "x.gpg", url=server.put("/key", OTHER + GOOD))
    assert (tmp_path / "x.gpg").read_bytes() == GOOD


def test_another_key_is_refused(server: Server, tmp_path: Path) -> None:
    url = server.put("/key", OTHER)
    with pytest.raises(EffectError, match=f"/key does not contain the key {FINGERPRINT}") as caught:
        install(tmp_path / "x.gpg", url=url.replace("//", "//user:passw0rd@"))
    assert "passw0rd" not in caught.value.message
    assert caught.value.hint
    assert not (tmp_path / "x.gpg").exists()


def test_what_is_no_key(server: Server, tmp_path: Path) -> None:
    with pytest.raises(EffectError, match="the key's text is not an OpenPGP public key"):
        install(tmp_path / "x.gpg", text="hello")
    with pytest.raises(EffectError, match="/key is not an OpenPGP public key"):
        install(tmp_path / "x.gpg", url=server.put("/key", b"<html>"))


def test_a_file_too_large_for_keys(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openpgp_keys, "LARGEST", 10)
    with pytest.raises(EffectError, match="not a file of keys"):
        install(tmp_path / "x.gpg", url=server.put("/key", GOOD))


def test_a_server_that_is_busy_is_worth_another_try(server: Server, tmp_path: Path) -> None:
    with pytest.raises(TransientError):
        install(tmp_path / "x.gpg", url=server.put("/key", GOOD, status=503))


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EffectError, match="cannot write"):
        install(tmp_path / "file" / "x.gpg", text=openpgp.armor(GOOD))
