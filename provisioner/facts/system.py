"""The system that this process runs on: what only the running kernel and C library know."""

from __future__ import annotations

import os
import platform


def kernel_release() -> str:
    """Linux's own version: "6.1.0-18-amd64"."""
    return platform.release()


def libc() -> tuple[str, str]:
    """The C library's name and version, as far as they are known: ("glibc", "2.36")."""
    return platform.libc_ver()


def architecture() -> str:
    """ "x86_64" or "aarch64"."""
    return platform.machine()


def processors() -> int:
    """How many CPUs there are; 0 where that is not known."""
    return os.cpu_count() or 0


def working_folder() -> str:
    """Where relative paths start, absolute."""
    return os.getcwd()
