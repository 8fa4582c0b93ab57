"""How apt-get is called, and what its messages mean: those of apt 2.6.1 and dpkg 1.21.22."""

from __future__ import annotations

import re

import pytest

from provisioner.kinds.shared.debian import apt_get


@pytest.mark.parametrize(
    ("said", "transient", "advice"),
    [
        (
            "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 42 (apt-get)",
            True,
            "Another apt or dpkg",
        ),
        (
            "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process?",
            True,
            "Never delete",
        ),
        ("Err:1 http://archive.example.org x  Temporary failure resolving 'archive.example.org'", True, ""),
        (
            "E: Failed to fetch http://x/a.deb  Could not connect to x:80 (1.2.3.4), connection timed out",
            True,
            "",
        ),
        ("E: Failed to fetch http://x/a.deb  Connection reset by peer [IP: 1.2.3.4 80]", True, ""),
        ("E: Failed to fetch http://x/a.deb  503  Service Unavailable [IP: 1.2.3.4 80]", True, ""),
        ("E: Failed to fetch http://x/a.deb  429  Too Many Requests [IP: 1.2.3.4 80]", True, ""),
        ("E: Failed to fetch http://x/a.deb  Hash Sum mismatch", False, "update: always"),
        (
            "E: Failed to fetch http://x/a.deb  File has unexpected size (12 != 13). Mirror sync",
            False,
            "update",
        ),
        ("E: Failed to fetch http://x/a.deb  404  Not Found [IP: 1.2.3.4 80]", False, "update: always"),
        ("E: Failed to fetch http://x/a.deb  403  Forbidden [IP: 1.2.3.4 80]", False, ""),
        ("E: You don't have enough free space in /var/cache/apt/archives/.", False, "disk is full"),
        ("dpkg: error: failed to write: No space left on device", False, "disk is full"),
        ("E: dpkg was interrupted, you must manually run 'dpkg --configure -a'", False, "Apply again"),
        (
            "E: The package foo needs to be reinstalled, but I can't find an archive for it.",
            False,
            "--force-remove-reinstreq",
        ),
        (
            " installed foo package post-installation script subprocess returned error exit status 1",
            False,
            "The post-installation script of foo failed",
        ),
        (
            " new foo package pre-installation script subprocess returned error exit status 2",
            False,
            "The pre-installation script of foo failed",
        ),
        (
            "E: Held packages were changed and -y was used without --allow-change-held-packages.",
            False,
            "unhold",
        ),
        ("E: Packages need to be removed but remove is disabled.", False, "absent"),
        ("E: Unable to locate package foo", False, "check the name"),
        ("The following packages have unmet dependencies:", False, "do not fit together"),
        ("Certificate verification failed: The certificate is NOT trusted.", False, "ca-certificates"),
    ],
)
def test_what_apt_says_is_understood(said: str, transient: bool, advice: str) -> None:
    assert any(re.search(pattern, said) for pattern in apt_get.TRANSIENT) == transient
    hints = ((re.search(pattern, said), hint) for pattern, hint in apt_get.HINTS)
    told = next((match.expand(hint) for match, hint in hints if match), "")
    assert advice in told
    assert bool(advice) == bool(told)


def test_nothing_may_ask_a_question() -> None:
    for run in (
        apt_get.install(apt_get.AptOrder(install=("hello",))),
        apt_get.preseed("x"),
        apt_get.merge_journal(),
    ):
        assert ("DEBIAN_FRONTEND", "noninteractive") in run.env
        assert re.fullmatch(run.scrub, "APT_CONFIG")
        assert re.fullmatch(run.scrub, "DEBCONF_NONINTERACTIVE_SEEN")


def test_only_queries_read_repositories_that_are_on_trial() -> None:
    order = apt_get.AptOrder(install=("hello",), options=("-o", "lists"), trial=("-o", "trial"))
    assert order.sources == ("-o", "lists", "-o", "trial")
    for run in (apt_get.install(order), apt_get.repair(order)):
        assert "lists" in run.argv
        assert "trial" not in run.argv
