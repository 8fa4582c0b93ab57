"""OpenPGP public keys, as far as apt's keyrings need them: armour, packets, fingerprints.

Source: RFC 4880, sections 4.2 (packet headers), 6.2 (armour) and 12.2 (fingerprints of version 4 keys).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator

BEGIN = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"
END = b"-----END PGP PUBLIC KEY BLOCK-----"
BLOCK = re.compile(re.escape(BEGIN) + rb"[ \t\r]*\n(.*?)" + re.escape(END), re.DOTALL)
CHECKSUM = re.compile(rb"^=[A-Za-z0-9+/]{4}$")

PUBLIC_KEY = 6
"""Tag of the packet that a key begins with."""


def dearmor(data: bytes) -> bytes:
    """The packets of keys that are armoured or binary. Raises ValueError when they are neither."""
    if data[:1] >= b"\x80":
        return data
    blocks = BLOCK.findall(data)
    if not blocks:
        raise ValueError("is not an OpenPGP public key")
    return b"".join(decode(block) for block in blocks)


def decode(block: bytes) -> bytes:
    """What is between the lines of armour: headers, an empty line, base64, perhaps a checksum."""
    lines = [line.strip() for line in block.splitlines()]
    body = lines[lines.index(b"") + 1 :] if b"" in lines else lines
    text = b"".join(line for line in body if not CHECKSUM.match(line))
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("is a damaged OpenPGP key") from error


def armor(data: bytes) -> str:
    """Armoured text of binary keys, as in `.asc` files. The optional checksum is left out."""
    text = base64.b64encode(data).decode()
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return "\n".join([BEGIN.decode(), "", *lines, END.decode(), ""])


def packets(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Each packet's tag, its body, and the whole of it. Raises ValueError for what is cut short."""
    start = 0
    while start < len(data):
        tag, width, length = header(data[start : start + 6])
        body, end = start + width, start + width + length
        if end > len(data):
            raise ValueError("is a damaged OpenPGP key")
        yield tag, data[body:end], data[start:end]
        start = end


def header(data: bytes) -> tuple[int, int, int]:
    """Tag, bytes of the header, bytes of the body. Keys never have bodies of unknown length."""
    match list(data):
        case [first, size, *_] if first >= 0xC0 and size < 192:
            return first & 0x3F, 2, size
        case [first, high, low, *_] if first >= 0xC0 and high < 224:
            return first & 0x3F, 3, (high - 192 << 8) + low + 192
        case [first, 255, _, _, _, _] if first >= 0xC0:
            return first & 0x3F, 6, int.from_bytes(data[2:])
        case [first, *_] if 0x80 <= first < 0xC0 and first & 3 < 3:
            width = 1 << (first & 3)
            return first >> 2 & 0x0F, 1 + width, int.from_bytes(data[1 : 1 + width])
    raise ValueError("is a damaged OpenPGP key")


def keys(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Each version 4 key's fingerprint, 40 capital hexadecimal digits, and its packets."""
    fingerprint, key = "", b""
    for tag, body, whole in packets(dearmor(data)):
        if tag == PUBLIC_KEY:
            if fingerprint:
                yield fingerprint, key
            fingerprint, key = fingerprint_of(body), b""
        key += whole
    if fingerprint:
        yield fingerprint, key


def fingerprint_of(body: bytes) -> str:
    """The fingerprint of a public key packet; empty for versions that apt does not use."""
    if body[:1] != b"\x04" or len(body) > 0xFFFF:
        return ""
    return hashlib.sha1(b"\x99" + len(body).to_bytes(2) + body, usedforsecurity=False).hexdigest().upper()


def fingerprints(data: bytes) -> tuple[str, ...]:
    """The fingerprints of all keys in `data`. Raises ValueError when it holds no keys."""
    return tuple(fingerprint for fingerprint, _ in keys(data))


def extract(data: bytes, fingerprint: str) -> bytes:
    """The one key with that fingerprint, in binary, and nothing that came in the same file.

    Raises ValueError when it is not there. Only this key is taken: otherwise apt would also trust any other
    key in the file.
    """
    known = dict(keys(data))
    if fingerprint not in known:
        found = ", ".join(known) or "none"
        raise ValueError(f"does not contain the key {fingerprint}; it contains: {found}")
    return known[fingerprint]
