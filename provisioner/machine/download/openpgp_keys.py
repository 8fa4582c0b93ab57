"""Public keys of apt repositories: nothing but the key with the expected fingerprint is ever installed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from provisioner.machine.download import fetch, openpgp
from provisioner.machine.files import in_words, replacing
from provisioner.machine.urls import shown
from provisioner.model.effects import Fetch, InstallKey
from provisioner.model.errors import EffectError

LARGEST = 10 * 1024**2
"""Bytes of a file of keys; the keyrings of the largest distributions are a hundred times smaller."""
HINT = "Compare the fingerprint with the one that the repository's owner publishes."


def install(effect: InstallKey, tell: Callable[[int, int, str], None], cancelled: Callable[[], bool]) -> str:
    """Put the key with the effect's fingerprint at its path, readable by all, and return "".

    It is armoured when the path ends in `.asc`, else binary. Raises EffectError when it is not among the keys
    offered, and what `fetch` raises.
    """
    fingerprint = effect.fingerprint.replace(" ", "").upper()
    data = download(effect.url, tell, cancelled) if effect.url else (effect.text or "").encode()
    try:
        key = openpgp.extract(data, fingerprint)
    except ValueError as error:
        source = shown(effect.url) if effect.url else "the key's text"
        raise EffectError(f"{source} {error}", HINT) from error
    if effect.path.endswith(".asc"):
        key = openpgp.armor(key).encode()
    with in_words("write", effect.path), replacing(effect.path, 0o644) as file:
        file.write(key)
    return ""


def download(url: str, tell: Callable[[int, int, str], None], cancelled: Callable[[], bool]) -> bytes:
    with tempfile.TemporaryDirectory(prefix="provisioner-key-") as folder:
        path = Path(folder, "key")
        fetch.fetch(Fetch(urls=(url,), path=str(path)), tell, cancelled)
        if path.stat().st_size > LARGEST:
            raise EffectError(f"{shown(url)} is not a file of keys: it has {path.stat().st_size} bytes", HINT)
        return path.read_bytes()
