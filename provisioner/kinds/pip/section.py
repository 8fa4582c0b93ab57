"""The `pip` section of a spec: which distributions, from where, and what must not move for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, GetPydanticSchema, ValidationInfo, model_validator
from pydantic_core import core_schema

from provisioner.facts.distributions import PipRequirement, parse_requirement
from provisioner.kinds.pip.protected import Policy
from provisioner.kinds.shared import references
from provisioner.kinds.shared.checks import (
    WEB,
    After,
    AnySha256,
    check_name,
    check_no_credentials,
    check_url,
    scheme_of,
)
from provisioner.kinds.shared.fields import Flag, Section, SpecPath, resolve
from provisioner.kinds.shared.pylock import DistributionName
from provisioner.kinds.shared.references import Definition, refuse_variables

INDEX = re.compile(r"(?:[A-Za-z0-9_-]+=)?(?:https?|file)://[^\s\x00]+")


def check_index(value: str) -> str:
    refuse_variables(value, "write the whole URL, and %24 for a dollar")
    check_no_credentials(
        value,
        "put them in ~/.netrc, or write NAME=https://... and set UV_INDEX_NAME_USERNAME and "
        "UV_INDEX_NAME_PASSWORD",
    )
    return check_name(
        value, INDEX, "is not the address of an index; write it like https://example.org/simple"
    )


def check_requirement(value: str) -> PipRequirement:
    refuse_variables(value, "write the version or URL itself")
    check_no_credentials(value, "put them in ~/.netrc")
    if (requirement := parse_requirement(value)) is None:
        raise ValueError(
            "is not a PEP 508 requirement; write name, name==1.2, name[extra]>=1.2 or name @ https://..."
        )
    return requirement


def check_links(value: str, info: ValidationInfo) -> str:
    return check_index(value) if "://" in value else resolve(value, info)


def check_remote(value: str) -> str:
    check_no_credentials(value, "download the file, and name its path")
    return check_url(value, instead="write an http or https URL, or the path of a file")


def check_place(value: str, info: ValidationInfo) -> str:
    """A URL, or a path."""
    scheme = scheme_of(value)
    remote = scheme in WEB or (scheme and "://" in value)
    return check_remote(value) if remote else resolve(value, info)


Package = Annotated[
    PipRequirement,
    GetPydanticSchema(
        lambda _, schema_of: core_schema.no_info_after_validator_function(
            check_requirement, schema_of(str), serialization=core_schema.to_string_ser_schema()
        )
    ),
]
"""Text in the file, and from then on what was read there."""

IndexUrl = Annotated[str, AfterValidator(check_index)]
Links = Annotated[str, Field(min_length=1), AfterValidator(check_links)]


class RemoteFile(Section):
    """A requirements or constraints file of a server."""

    url: Annotated[str, AfterValidator(check_remote)] = Field(
        description="Where the file is.", examples=["https://example.org/course/requirements.txt"]
    )
    sha256: AnySha256 | None = Field(
        None, description="The file's sha256. Without one, the plan and the report show the line to write."
    )


RequirementsFile = Annotated[str, Field(min_length=1), AfterValidator(check_place)] | RemoteFile
"""A path, a URL, or a URL with what its file must be."""


def place_of(file: RequirementsFile) -> str:
    """The path or the URL of a file."""
    return file if isinstance(file, str) else file.url


class Pip(Section):
    """Python distributions."""

    packages: tuple[Package, ...] = Field(
        (),
        description="Requirements in PEP 508 form. Those that are already met are left alone.",
        examples=[["keras", "torch>=2.8", "transformers[torch]", "tool @ git+https://example.org/tool@v1.2"]],
    )
    requirements: tuple[RequirementsFile, ...] = Field(
        (),
        description="Requirements files: paths, or URLs. They may be in what other entries bring.",
        examples=[
            ["requirements.txt", {"url": "https://example.org/requirements.txt", "sha256": 64 * "0"}],
        ],
    )
    constraints: tuple[RequirementsFile, ...] = Field(
        (), description="Constraints files, likewise: they limit versions and install nothing."
    )
    editable: tuple[SpecPath, ...] = Field(
        (),
        description="Folders of projects to install in place (editable), with extras if needed.",
        examples=[[".", "libs/tool[dev]"]],
    )
    absent: tuple[DistributionName, ...] = Field((), description="Distributions that must not be installed.")
    index_url: IndexUrl | None = Field(None, description="The package index, in place of PyPI.")
    extra_index_urls: tuple[IndexUrl, ...] = Field(
        (),
        description="More indexes; they come before the main one. NAME=URL gives one a name, for credentials "
        "in UV_INDEX_NAME_USERNAME and UV_INDEX_NAME_PASSWORD.",
        examples=[["https://download.pytorch.org/whl/cu128"]],
    )
    index_strategy: Literal["first-index", "unsafe-first-match", "unsafe-best-match"] = Field(
        "first-index",
        description="Which index a package is taken from: only the first that has it, or whichever has the "
        "best version, as pip does. The latter lets a stranger's package replace yours.",
    )
    find_links: tuple[Links, ...] = Field(
        (), description="Folders or pages with wheels and source archives, besides the indexes."
    )
    pre: Flag = Field(False, description="Whether to accept pre-releases.")
    no_deps: Flag = Field(False, description="Install only what is named, without its dependencies.")
    preinstalled: Policy = Field(
        "guard",
        description="What may not change unless it is named here: with `guard` the kernel's own packages, "
        "numpy, torch, tensorflow, jax and nvidia; with `keep` all that is installed; with `free` nothing.",
    )
    venv: SpecPath | None = Field(
        None,
        description="A virtual environment to install into; it is made when it is missing. Without it, the "
        "Python that runs this, or .venv beside the file when that Python belongs to the system.",
    )

    after: After = ()

    @model_validator(mode="after")
    def check_contradiction(self) -> Pip:
        both = {package.name for package in self.packages} & {*self.absent}
        if both:
            raise ValueError(f"both packages and absent name {', '.join(sorted(both))}; keep one of them")
        return self

    @property
    def indexes(self) -> tuple[str, ...]:
        """uv's options for where distributions come from."""
        words = ["--default-index", self.index_url] if self.index_url else []
        words += [word for url in self.extra_index_urls for word in ("--index", url)]
        words += [word for place in self.find_links for word in ("--find-links", place)]
        if self.index_strategy != "first-index":
            words += ["--index-strategy", self.index_strategy]
        return (*words, *(["--prerelease", "allow"] if self.pre else []))

    @property
    def files(self) -> Iterator[tuple[str, bool]]:
        """Where each requirements or constraints file is, and whether it only constrains."""
        yield from ((place_of(file), False) for file in self.requirements)
        yield from ((place_of(file), True) for file in self.constraints)

    @property
    def hashes(self) -> dict[str, str]:
        """The sha256 of files of servers, by URL, in hexadecimal."""
        remote = (file for file in (*self.requirements, *self.constraints) if isinstance(file, RemoteFile))
        return {file.url: file.sha256 for file in remote if file.sha256}

    def options(self, copies: Mapping[str, str]) -> tuple[str, ...]:
        """uv's options for what is wanted; it reads copies of some files, by their places."""
        words = ["--no-deps"] if self.no_deps else []
        for place, constrains in self.files:
            words += ["--constraints" if constrains else "--requirements", copies.get(place, place)]
        return (*words, *(word for path in self.editable for word in ("--editable", path)))


def paths(section: object) -> dict[str, Definition]:
    """The virtual environment, where the file chooses one."""
    given = references.raw_entries(section)
    venv = {"venv": given["venv"]} if given.get("venv") else {}
    return {"pip.venv": lambda context: Pip.model_validate(venv, context=context).venv or ""} if venv else {}
