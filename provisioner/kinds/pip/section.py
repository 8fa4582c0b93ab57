"""The `pip` section of a spec: which distributions, from where, and what must not move for them."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, GetPydanticSchema, ValidationInfo, model_validator
from pydantic_core import core_schema

from provisioner.facts.distributions import PipRequirement, parse_requirement
from provisioner.kinds.pip.protected import Policy
from provisioner.kinds.shared.checks import check_name, check_no_credentials
from provisioner.kinds.shared.fields import Flag, Section, SpecPath, resolve
from provisioner.kinds.shared.pylock import DistributionName

INDEX = re.compile(r"(?:[A-Za-z0-9_-]+=)?(?:https?|file)://[^\s\x00]+")


def check_index(value: str) -> str:
    check_no_credentials(
        value,
        "put them in ~/.netrc, or write NAME=https://... and set UV_INDEX_NAME_USERNAME and "
        "UV_INDEX_NAME_PASSWORD",
    )
    return check_name(
        value, INDEX, "is not the address of an index; write it like https://example.org/simple"
    )


def check_requirement(value: str) -> PipRequirement:
    check_no_credentials(value, "put them in ~/.netrc")
    if (requirement := parse_requirement(value)) is None:
        raise ValueError(
            "is not a PEP 508 requirement; write name, name==1.2, name[extra]>=1.2 or name @ https://..."
        )
    return requirement


def check_links(value: str, info: ValidationInfo) -> str:
    return check_index(value) if "://" in value else resolve(value, info)


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


class Pip(Section):
    """Python distributions."""

    packages: tuple[Package, ...] = Field(
        (),
        description="Requirements in PEP 508 form. Those that are already met are left alone.",
        examples=[["keras", "torch>=2.8", "transformers[torch]", "tool @ git+https://example.org/tool@v1.2"]],
    )
    requirements: tuple[SpecPath, ...] = Field(
        (), description="Requirements files.", examples=[["requirements.txt"]]
    )
    constraints: tuple[SpecPath, ...] = Field(
        (), description="Constraints files: they limit versions and install nothing."
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
    def options(self) -> tuple[str, ...]:
        """uv's options for what is wanted."""
        words = ["--no-deps"] if self.no_deps else []
        words += [word for path in self.requirements for word in ("--requirements", path)]
        words += [word for path in self.constraints for word in ("--constraints", path)]
        return (*words, *(word for path in self.editable for word in ("--editable", path)))
