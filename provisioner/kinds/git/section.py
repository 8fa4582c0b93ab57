"""What a spec may say of git: repositories, and the user's own settings."""

from __future__ import annotations

import ipaddress
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, model_validator

from provisioner.kinds.git.settings import check_key, check_value
from provisioner.kinds.shared import references
from provisioner.kinds.shared.checks import (
    EntryName,
    check_no_credentials,
    check_url,
    scheme_of,
)
from provisioner.kinds.shared.fields import Flag, Section, SpecPath, absolute, is_at_or_below, resolve
from provisioner.kinds.shared.references import Definition

FULL = re.compile(r"[0-9a-f]{40}")
"""A commit."""
SHORT = re.compile(r"[0-9a-f]{7,39}")
"""Perhaps the beginning of one."""

REMOTE_FORMS = "write https://host/path, ssh://host/path, git@host:path, or a path below the spec's folder"

SCP = re.compile(r"(?:[A-Za-z0-9_][\w.-]*@)?[A-Za-z0-9][\w.-]*:(?!:)[^\s:-][^\s]*")
"""git@github.com:owner/name.git"""

BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^/|/$|\.$|\.lock(/|$)|(^|/)\.|^-|^@$")
"""What no name of a branch or tag has. Source: git-check-ref-format(1)."""

RESERVED = ("packages", "config")
"""What plans call the other parts of the section: what it takes to have git, and the user's settings."""


def check_repository_url(value: str, info: ValidationInfo) -> str:
    """An https, ssh or loopback http URL, or the absolute path of a local repository."""
    if value.startswith("-") or re.search(r"[\s\x00-\x1f\x7f]", value):
        raise ValueError(f"is not a URL of a repository; {REMOTE_FORMS}")
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*::", value):
        raise ValueError(f"names a program that git would start; {REMOTE_FORMS}")
    if scheme_of(value):
        check_no_credentials(value, "let credential.helper or an ssh key give them")
        url = check_url(value, schemes=("https", "ssh", "http"), instead=REMOTE_FORMS, without="?#")
        host = urlsplit(url).hostname or ""
        if url.startswith("http://") and not is_loopback(host):
            raise ValueError(
                "starts with http://, where anybody on the way can change the code; write https://"
            )
        if host.startswith("-"):
            raise ValueError(f"is not a URL of a repository; {REMOTE_FORMS}")
        return url
    if ":" in value.partition("/")[0]:
        references.refuse_variables(value, REMOTE_FORMS)
        if not SCP.fullmatch(value):
            raise ValueError(f"is not a URL of a repository; {REMOTE_FORMS}")
        return value
    path = resolve(value, info)
    folder = (info.context or {}).get("folder", "/")
    if not is_at_or_below(path, folder) or path == folder:
        raise ValueError(
            "is outside the folder of the spec, so other machines do not have it; "
            "move the repository into that folder, or give its URL"
        )
    return path


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_rev(value: str) -> str:
    """A commit, tag or branch; the long names of branches and tags become their short ones."""
    if value in ("HEAD", "FETCH_HEAD"):
        raise ValueError("is not a fixed revision; leave `rev` out to get the default branch")
    if re.fullmatch(r"[0-9A-Fa-f]{40}", value):
        return value.lower()
    if BAD_REF.search(value):
        raise ValueError("is not the name of a commit, tag or branch")
    return re.sub(r"^refs/(heads|tags)/|^origin/", "", value)


def refuse_numbers(value: object) -> object:
    """A revision of digits alone is a number to YAML, which may already be another one."""
    if isinstance(value, int | float):
        raise ValueError("is a number to YAML; write the revision in quotes")  # noqa: TRY004
    return value


def check_sparse(value: str) -> str:
    """A path within the repository."""
    references.refuse_variables(value, "write it like docs/examples, and $$ for a dollar")
    normal = posixpath.normpath(value.replace("$$", "$"))
    if re.search(r"[\x00-\x1f\x7f]", value) or normal.startswith(("/", "..", "-")) or normal == ".":
        raise ValueError("is not a path within the repository; write it like docs/examples")
    return normal


Rev = Annotated[
    str,
    Field(min_length=1),
    BeforeValidator(refuse_numbers, json_schema_input_type=str),
    AfterValidator(check_rev),
]


class Repo(Section):
    """One repository, cloned."""

    url: Annotated[str, Field(min_length=1), AfterValidator(check_repository_url)] = Field(
        description="Where it is: https, ssh, git@host:path, or a path below the spec's folder.",
        examples=["https://github.com/owner/name"],
    )
    rev: Rev | None = Field(
        None,
        description="The commit, tag or branch to check out; by default the default branch. "
        "Only a commit is always the same.",
        examples=["v1.2", "0123456789abcdef0123456789abcdef01234567"],
    )
    to: SpecPath | None = Field(
        None, description="The folder to clone into; by default the name of the entry.", examples=["src/tool"]
    )
    depth: Annotated[int, Field(strict=True, ge=1)] | None = Field(
        None, description="Commits of the history to fetch when it is cloned; by default all of them."
    )
    submodules: Flag = Field(False, description="Check out its submodules, and theirs.")
    lfs: Flag = Field(False, description="Fetch the large files that Git LFS keeps.")
    sparse: tuple[Annotated[str, Field(min_length=1), AfterValidator(check_sparse)], ...] = Field(
        (), description="Check out only these files and folders.", examples=[["docs", "src/tool"]]
    )
    update: Literal["never", "ff"] = Field(
        "never",
        description="What becomes of a branch that is there: `ff` takes what is new at every apply, unless "
        "somebody has added commits here.",
    )

    @model_validator(mode="after")
    def can_follow(self) -> Repo:
        if self.update == "ff" and self.rev and FULL.fullmatch(self.rev):
            raise ValueError("follows a commit, which stays the same; write a branch, or leave out `update`")
        return self

    @property
    def place(self) -> str:
        """The folder that it is cloned into; every repository of a section has one."""
        return self.to or ""

    @property
    def local(self) -> bool:
        """Whether it is cloned from a path."""
        return self.url.startswith("/")


def with_places(repos: dict[str, Repo], info: ValidationInfo) -> dict[str, Repo]:
    """Every repository with the folder that it is cloned into."""
    for name in repos:
        if name in RESERVED:
            raise ValueError(f"names a repository {name}, which is what plans call another part; rename it")
    return {
        name: one if one.to else one.model_copy(update={"to": resolve(name, info)})
        for name, one in repos.items()
    }


def read_setting(value: object) -> object:
    """A setting as git writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else value


def check_settings(config: dict[str, str]) -> dict[str, str]:
    for key, value in config.items():
        check_value(key, value)
    return config


def paths(section: object) -> dict[str, Definition]:
    """The folder of each repository."""
    repos = references.raw_entries(references.raw_entries(section).get("repos"))
    return {f"git.{name}": partial(place_of, name, repo) for name, repo in repos.items()}


def place_of(name: str, repo: object, context: Mapping[str, object]) -> str:
    return Repo.model_validate(repo, context=context).to or absolute(name, context)


Setting = Annotated[str, BeforeValidator(read_setting, json_schema_input_type=str | bool | int)]


class GitSection(Section):
    """Repositories to clone, and settings of git's."""

    repos: Annotated[dict[EntryName, Repo], AfterValidator(with_places)] = Field(
        {},
        description="Repositories to clone, by name.",
        examples=[{"tool": {"url": "https://github.com/o/tool"}}],
    )
    config: Annotated[
        dict[Annotated[str, AfterValidator(check_key)], Setting], AfterValidator(check_settings)
    ] = Field(
        {},
        description="Settings for the user's global git configuration, such as the name on commits. "
        "None that starts a program, but for well-known credential helpers.",
        examples=[{"user.name": "Ann", "credential.helper": "store"}],
    )


@dataclass(frozen=True)
class Git:
    """The desired state, or one part of it."""

    packages: tuple[str, ...] = ()
    """What must be installed, by the names of Debian's packages."""
    repos: Mapping[str, Repo] = field(default_factory=dict)
    config: Mapping[str, str] = field(default_factory=dict)
    home: str = ""
    """The user's home folder, in which git finds who the user is."""


def as_parts(section: GitSection, info: ValidationInfo) -> Git:
    home = (info.context or {}).get("home", "/root")
    return Git(tuple(packages_for(section.repos)), section.repos, section.config, home)


def packages_for(repos: Mapping[str, Repo]) -> list[str]:
    """The packages that cloning these needs."""
    needed = {
        "git": True,
        "git-lfs": any(repo.lfs for repo in repos.values()),
        "openssh-client": any(is_ssh(repo.url) for repo in repos.values()),
        "ca-certificates": any(repo.url.startswith("https:") for repo in repos.values()),
    }
    return [name for name, is_needed in needed.items() if is_needed]


def is_ssh(url: str) -> bool:
    return url.startswith("ssh:") or not (url.startswith("/") or scheme_of(url))


Config = Annotated[
    GitSection,
    AfterValidator(as_parts),
    Field(description="Git repositories to clone, and settings of git's."),
]
