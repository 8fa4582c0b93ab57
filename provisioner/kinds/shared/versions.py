"""Ranges of versions as a spec writes them, and whether a version is in one."""

from __future__ import annotations


def check_versions(text: str, example: str = "3.11") -> str:
    """A range of versions as PEP 440 writes it; "3.11" alone means every 3.11."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    text = text.strip()
    text = f"=={text}.*" if text[:1].isdigit() else text
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        raise ValueError(
            f'is not a version or a range of versions; write "{example}" or ">={example}"'
        ) from None
    return text


def fits(version: str, wanted: str) -> bool:
    """Whether a version is in a range; pre-releases count, and a version that cannot be read never fits."""
    from packaging.specifiers import SpecifierSet
    from packaging.version import InvalidVersion, Version

    try:
        return SpecifierSet(wanted).contains(Version(version.rstrip("+")), prereleases=True)
    except InvalidVersion:
        return False
