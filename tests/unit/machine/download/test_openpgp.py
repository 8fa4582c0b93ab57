"""OpenPGP keys: what gpg says, we say; what is damaged is refused."""

from __future__ import annotations

import base64
import contextlib
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.machine.download import openpgp

ONE = """\
-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEawLPKhYJKwYBBAHaRw8BAQdALZodzpElc3WtqNRyXvT/IjPAen46UFUTspDi
q5igWZq0FW9uZSA8b25lQGV4YW1wbGUub3JnPoiQBBMWCAA4FiEEq/bJphofBhxB
udzqoPq+eg5eAVcFAmsCzyoCGwMFCwkIBwIGFQoJCAsCBBYCAwECHgECF4AACgkQ
oPq+eg5eAVdCkQEA0TY7BX3XRUC1kWaO14hWHepktMvpsaDtTmQxSU0rYlkA/22q
/tRIfHZH5BIqEqZWhFxnIVGiK5aK6P0ZtJlpR+IJ
=tqd8
-----END PGP PUBLIC KEY BLOCK-----
"""
TWO = """\
-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEawLPKhYJKwYBBAHaRw8BAQdA9ztvqdCkslxNW01e7OgiuvIKpHLOs7GYOX3c
vfGsVbC0FXR3byA8dHdvQGV4YW1wbGUub3JnPoiQBBMWCAA4FiEEq92iYXaL5Pq2
C19ld2kOzsw4CAkFAmsCzyoCGwMFCwkIBwIGFQoJCAsCBBYCAwECHgECF4AACgkQ
d2kOzsw4CAmuwwD5Ac2to9rWMveQORtB2EgaTU3s1Y0SN4Hz+AhD6x8LOm4BAILH
+fYNFFx09p0Y7exMyxVlWhEtBOuNoFBdLTRdA6cB
=s44D
-----END PGP PUBLIC KEY BLOCK-----
"""
FIRST = "ABF6C9A61A1F061C41B9DCEAA0FABE7A0E5E0157"
SECOND = "ABDDA261768BE4FAB60B5F6577690ECECC380809"
"""What gpg says that their fingerprints are."""


def test_fingerprints_are_what_gpg_says() -> None:
    assert openpgp.fingerprints(ONE.encode()) == (FIRST,)
    assert openpgp.fingerprints(TWO.encode()) == (SECOND,)


def test_binary_and_armoured_keys_are_the_same() -> None:
    binary = openpgp.dearmor(ONE.encode())
    assert openpgp.fingerprints(binary) == (FIRST,)
    assert openpgp.dearmor(openpgp.armor(binary).encode()) == binary


@pytest.mark.parametrize(
    "text",
    [
        f"A preface.\n{ONE}And a remark.\n",
        ONE.replace("\n", "\r\n"),
        ONE.replace("BLOCK-----\n\n", "BLOCK-----\nVersion: GnuPG v1\nComment: by hand\n\n", 1),
        ONE.replace("=tqd8\n", ""),
    ],
    ids=["with text around it", "from Windows", "with headers", "without a checksum"],
)
def test_armour_as_people_publish_it(text: str) -> None:
    assert openpgp.fingerprints(text.encode()) == (FIRST,)


@pytest.mark.parametrize(
    "bundle",
    [
        (ONE + TWO).encode(),
        openpgp.dearmor(ONE.encode()) + openpgp.dearmor(TWO.encode()),
    ],
    ids=["armoured", "binary"],
)
def test_one_key_is_taken_out_of_many(bundle: bytes) -> None:
    assert openpgp.fingerprints(bundle) == (FIRST, SECOND)
    assert openpgp.extract(bundle, SECOND) == openpgp.dearmor(TWO.encode())


def test_a_stranger_is_named_and_refused() -> None:
    with pytest.raises(ValueError, match=f"{SECOND}; it contains: {FIRST}"):
        openpgp.extract(ONE.encode(), SECOND)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "not an OpenPGP"),
        (b"<html>Not found</html>", "not an OpenPGP"),
        (ONE.replace("mDME", "m*ME").encode(), "damaged"),
        (ONE.replace("/tRIfHZH5BIqEqZWhFxnIVGiK5aK6P0ZtJlpR+IJ\n", "").encode(), "damaged"),
        (openpgp.dearmor(ONE.encode())[:-1], "damaged"),
        (openpgp.dearmor(ONE.encode()) + b"\n", "damaged"),
        (b"\x9b\x01", "damaged"),
        (b"\xc6\xe0\x01", "damaged"),
        (b"\xc6", "damaged"),
    ],
    ids=["empty", "HTML", "base64", "short armour", "short", "trailing", "endless", "in parts", "bare"],
)
def test_what_is_damaged_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        openpgp.fingerprints(data)


def test_keys_of_other_versions_are_passed_over() -> None:
    assert openpgp.fingerprints(packet(6, b"\x03old")) == ()
    mixed = openpgp.dearmor(ONE.encode()) + packet(6, b"\x06new") + openpgp.dearmor(TWO.encode())
    assert openpgp.fingerprints(mixed) == (FIRST, SECOND)


@given(size=st.integers(1, 70_000), new=st.booleans())
def test_every_length_is_read(size: int, new: bool) -> None:
    body = b"\x04" + bytes(size - 1)
    data = packet(6, body, new=new) + packet(13, b"someone", new=new)
    if size > 0xFFFF:
        assert openpgp.fingerprints(data) == ()
        return
    expected = hashlib.sha1(b"\x99" + size.to_bytes(2) + body).hexdigest().upper()
    assert openpgp.fingerprints(data) == (expected,)
    assert openpgp.extract(data, expected) == data


@given(st.binary(max_size=200))
def test_garbage_never_does_worse_than_be_refused(data: bytes) -> None:
    for attempt in (data, b"\x98" + data, ONE.encode().replace(b"mDME", base64.b64encode(data))):
        with contextlib.suppress(ValueError):
            assert all(len(name) == 40 for name in openpgp.fingerprints(attempt))


def packet(tag: int, body: bytes, *, new: bool = False) -> bytes:
    """A packet in the old or the new format, with the shortest length that fits."""
    size = len(body)
    if not new:
        width, kind = (1, 0) if size < 256 else (2, 1) if size < 65536 else (4, 2)
        return bytes([0x80 | tag << 2 | kind]) + size.to_bytes(width) + body
    if size < 192:
        length = bytes([size])
    elif size < 8384:
        length = bytes([(size - 192 >> 8) + 192, size - 192 & 0xFF])
    else:
        length = b"\xff" + size.to_bytes(4)
    return bytes([0xC0 | tag]) + length + body
