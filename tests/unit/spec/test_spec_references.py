"""What a file defines, where the rest of it may name that, and what commands get of its variables."""

from __future__ import annotations

import itertools

import pytest

from provisioner.kinds.files import kind as files
from provisioner.kinds.shared.fields import as_written
from provisioner.model.errors import SpecError
from provisioner.spec.spec import Spec, parse

ARMS = "aarch64"


def spec(text: str, home: str = "/home/ada", architecture: str = "x86_64") -> Spec:
    return parse(f"version: 1\n{text}", "colabenv.yaml", "/work", home, architecture)


def wrong(text: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        spec(text)
    return [f"{problem.line}: {problem.message}" for problem in caught.value.problems]


DEFINED = """\
jdk: 21
pip: {venv: .venv}
drive: {}
datasets:
  whole: {url: "https://example.org/whole.zip", unpack: true, to: whole/}
  rows: {url: "https://example.org/rows.csv", to: "${datasets.whole}/"}
  kept: {url: "${drive.mount}/MyDrive/kept.csv.gz", unpack: gz, to: "${git.tool}/data/"}
git:
  repos:
    tool: {url: "https://example.org/tool"}
    part: {url: "https://example.org/part", to: "${git.tool}/part"}
inputs:
  key: {to: ~/.tool/key.json}
"""

PATHS = {
    "jdk.home": "/usr/lib/jvm/java-21-openjdk-amd64",
    "pip.venv": "/work/.venv",
    "drive.mount": "/content/drive",
    "datasets.whole": "/work/whole",
    "datasets.rows": "/work/whole/rows.csv",
    "datasets.kept": "/work/tool/data/kept.csv",
    "git.tool": "/work/tool",
    "git.part": "/work/tool/part",
    "inputs.key": "/home/ada/.tool/key.json",
}


@pytest.mark.parametrize(("name", "path"), PATHS.items(), ids=PATHS)
def test_what_entries_make_has_a_name(name: str, path: str) -> None:
    found = spec(f'{DEFINED}env: {{A: "x=${{{name}}}", B: {{prepend: ["${{{name}}}/bin"]}}}}')
    assert dict(found.variables) | {"JAVA_HOME": ""} == {
        "A": f"x={path}",
        "B": (f"{path}/bin",),
        "JAVA_HOME": "",
    }


def test_a_reference_is_the_same_on_every_machine_as_the_file_writes_it() -> None:
    text = 'jdk: 17\nfiles: [{path: "${jdk.home}/lib/x", content: "${jdk.home} $HOME"}]'
    for processor, name in (("x86_64", "amd64"), (ARMS, "arm64"), ("riscv64", "riscv64")):
        found = spec(text, architecture=processor)
        (address,) = (each for each in found.order.entries if each.startswith("files."))
        assert address == "files.${jdk.home}/lib/x"
        (file,) = found.section(files.KIND) or ()
        assert file.path == f"/usr/lib/jvm/java-17-openjdk-{name}/lib/x"
        assert as_written(file.path) == "${jdk.home}/lib/x"
        assert file.content == "${jdk.home} $HOME"


def test_an_entry_waits_for_what_it_refers_to() -> None:
    found = spec(
        DEFINED
        + 'files: [{path: "${jdk.home}/lib/x", content: a}, {path: "${drive.mount}/MyDrive/y", content: a}]\n'
        + 'run: [{name: build, command: [x], creates: out, env: {A: "--in=${datasets.rows}"}}]\n'
        + 'notebook: {sys_path: ["${git.part}"]}\n'
    )
    needs = {address: set(waits) for address, waits in found.order.needs.items()}
    assert "jdk" in needs["files.${jdk.home}/lib/x"]
    assert any(each.startswith("drive") for each in needs["files.${drive.mount}/MyDrive/y"])
    assert "datasets.rows" in needs["run.build"]
    assert "git.part" in needs["notebook.sys_path /work/tool/part"]
    assert "git.tool" in needs["datasets.kept"]


def test_the_order_of_keys_does_not_matter() -> None:
    parts = [
        'env: {A: "${datasets.b}"}\n',
        'datasets: {b: {url: "https://example.org/b", to: "${drive.mount}/MyDrive/b"}}\n',
        "drive: {mount: /mnt/drive}\n",
    ]
    found = {spec("".join(order)).variables for order in itertools.permutations(parts)}
    assert found == {(("A", "/mnt/drive/MyDrive/b"),)}


def test_commands_know_the_jdk_before_it_is_there() -> None:
    assert spec("jdk: 17").variables == (("JAVA_HOME", "/usr/lib/jvm/java-17-openjdk-amd64"),)
    assert spec('jdk: "== 8"', architecture=ARMS).variables == (
        ("JAVA_HOME", "/usr/lib/jvm/java-8-openjdk-arm64"),
    )
    assert spec('jdk: ">=17"').variables == ()
    assert spec("jdk: {version: 17, default: false}").variables == ()
    assert spec("jdk: 17\nenv: {JAVA_HOME: /mine}").variables == (("JAVA_HOME", "/mine"),)


def test_a_range_of_versions_has_no_one_home() -> None:
    text = 'jdk: ">=17,<22"\nfiles: [{path: "${jdk.home}/x", content: a}]'
    assert wrong(text) == [
        "3: `path` refers to ${jdk.home}, which differs from machine to machine for a range of versions"
    ]


def test_a_mistake_is_told_where_it_is_and_what_depends_on_it_is_too() -> None:
    text = (
        'datasets:\n  a: {url: "https://example.org/a", to: "${drive.mout}/a"}\n'
        'env: {A: "${datasets.a}", B: "${datasets.c}"}\n'
        "drive: {}"
    )
    assert wrong(text) == [
        "3: `datasets.a.to` refers to ${drive.mout}, which the file does not define",
        "4: `env.A` refers to ${datasets.a}, which is wrong itself",
        "4: `env.B` refers to ${datasets.c}, which the file does not define",
    ]


@pytest.mark.parametrize("text", ["datasets: [a]", "git: 3", "git: {repos: x}", "drive: x", "inputs: null"])
def test_a_section_of_another_shape_defines_nothing(text: str) -> None:
    assert any(
        "which the file does not define" in each for each in wrong(f'{text}\nenv: {{A: "${{git.a}}"}}')
    )


SIGNED = """\
apt:
  repositories:
    - {name: r, uris: ["%s"], suites: [a/], key: "%s", fingerprint: 0123456789ABCDEF0123456789ABCDEF01234567}
"""


@pytest.mark.parametrize(
    "text",
    [
        SIGNED % ("https://$HOST/debian", "key.asc"),
        SIGNED % ("https://example.org/debian", "https://$HOST/key"),
        SIGNED % ("https://example.org/debian", "$DIR/key"),
        'git: {repos: {a: {url: "https://${HOST}/a"}}}',
        'git: {repos: {a: {url: "git@$HOST:a"}}}',
        'git: {repos: {a: {url: "https://example.org/a", sparse: [docs/$NAME]}}}',
        "inputs: {a: {to: $DIR/a}}",
        "pip: {requirements: [$DIR/a.txt]}",
        "pip: {requirements: ['https://example.org/$NAME.txt']}",
        "pip: {editable: ['${DIR}/a[b]']}",
        "notebook: {workdir: $DIR}",
        "run: [{name: a, command: [a], creates: a, cwd: $DIR}]",
        "files: [{path: a, source: $DIR/a}]",
        "files: [{path: a, link: $DIR/a}]",
    ],
)
def test_no_path_and_no_url_holds_what_nothing_expands(text: str) -> None:
    (said,) = wrong(text)
    assert "which nothing expands" in said


def test_a_dollar_of_another_kind_is_no_variable() -> None:
    found = spec(SIGNED % ("https://example.org/$(ARCH)", "key$1.asc"))
    assert found.sections.keys() == {"apt"}
    text = 'version: 1\nfiles: [{path: "a$b$$c", content: x}]'.replace("$b", "$$b")
    assert [*parse(text, "colabenv.yaml", "/work").order.made] == ["/work/a$b$c"]


# What people write as a value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("off", "off"),
        ("yes", "yes"),
        ("8", "8"),
        ("007", "007"),
        ("2025-03-09", "2025-03-09"),
        ("12:30", "12:30"),
        ("~/models", "/home/ada/models"),
        ('"~"', "/home/ada"),
        ("~", None),
        ("5$", "5$"),
        ("a$$b", "a$b"),
    ],
)
def test_a_variable_gets_what_is_written(written: str, value: str | None) -> None:
    assert spec(f"env: {{A: {written}}}").variables == (("A", value),)


def test_commas_are_text_outside_of_brackets() -> None:
    assert spec("env:\n  DEVICES: 2,3\n").variables == (("DEVICES", "2,3"),)


@pytest.mark.parametrize("written", ["true", ".25", "1.0"])
def test_what_yaml_would_change_wants_quotes(written: str) -> None:
    assert wrong(f"env: {{A: {written}}}") == ["2: `env.A` is not text"]
    assert spec(f'env: {{A: "{written}"}}').variables == (("A", written),)
