"""A signed apt repository of tiny packages, for what the real archive cannot show."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path

from tests.machine.debian_root import Root, call

SHELF = "/srv/repo"
"""Where `Repo.place` puts a repository in a machine."""
KEYRING = "/usr/share/keyrings/shelf.asc"
SUITE = "stable"


@dataclass(frozen=True)
class Deb:
    """A package. `scripts` are maintainer scripts by name, without the first line; `files` are by path."""

    name: str
    version: str = "1.0"
    depends: str = ""
    conflicts: str = ""
    templates: str = ""
    scripts: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    executables: Mapping[str, str] = field(default_factory=dict)

    @property
    def filename(self) -> str:
        return f"{self.name}_{self.version}_all.deb"

    @property
    def control(self) -> str:
        fields = {
            "Package": self.name,
            "Version": self.version,
            "Architecture": "all",
            "Maintainer": "Nobody <nobody@example.org>",
            "Depends": self.depends,
            "Conflicts": self.conflicts,
            "Description": f"{self.name}, made for a test",
        }
        return "".join(f"{key}: {value}\n" for key, value in fields.items() if value)

    def build(self, folder: Path) -> Path:
        """Make the .deb in `folder`, of the same bytes every time."""
        with tempfile.TemporaryDirectory() as scratch:
            tree = Path(scratch) / "tree"
            put(tree / "DEBIAN/control", self.control)
            if self.templates:
                put(tree / "DEBIAN/templates", self.templates)
            for name, script in self.scripts.items():
                put(tree / "DEBIAN" / name, f"#!/bin/sh\nset -e\n{script}", 0o755)
            for path, text in self.files.items():
                put(tree / path.lstrip("/"), text)
            for path, script in self.executables.items():
                put(tree / path.lstrip("/"), f"#!/bin/sh\n{script}", 0o755)
            package = folder / self.filename
            building = ["env", "SOURCE_DATE_EPOCH=0", "dpkg-deb", "--root-owner-group", "-Znone", "--build"]
            call([*building, str(tree), str(package)])
        return package


def put(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


class Key:
    """An OpenPGP key that signs repositories, in a keyring of its own."""

    def __init__(self, home: Path, owner: str = "Shelf <shelf@example.org>") -> None:
        self.home = home
        home.mkdir(parents=True, mode=0o700, exist_ok=True)
        self.gpg("--passphrase", "", "--quick-generate-key", owner, "ed25519", "sign", "never")
        listing = self.gpg("--with-colons", "--list-keys")
        self.fingerprint = next(
            line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:")
        )
        self.public = self.gpg("--armor", "--export")

    def clearsign(self, text: str) -> str:
        return self.gpg("--digest-algo", "SHA512", "--clearsign", stdin=text)

    def gpg(self, *args: str, stdin: str = "") -> str:
        return subprocess.run(
            ["gpg", "--homedir", str(self.home), "--batch", "--quiet", "--armor", *args],
            input=stdin,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def close(self) -> None:
        """End the agent that gpg started."""
        subprocess.run(["gpgconf", "--homedir", str(self.home), "--kill", "all"], check=True)


@dataclass
class Repo:
    """A repository under `folder`: suite `stable`, component `main`."""

    folder: Path
    debs: list[Deb] = field(default_factory=list)

    def add(self, *debs: Deb) -> Repo:
        self.debs += debs
        return self

    def publish(self, key: Key) -> Repo:
        """Write the packages and the signed indexes anew."""
        pool, index = self.folder / "pool", self.folder / "dists" / SUITE
        shutil.rmtree(self.folder, ignore_errors=True)
        pool.mkdir(parents=True)
        packages = "\n".join(self.stanza(deb, deb.build(pool)) for deb in self.debs).encode()
        lists = {
            "main/binary-all/Packages": packages,
            "main/binary-all/Packages.gz": gzip.compress(packages, mtime=0),
        }
        for architecture in ("amd64", "arm64"):
            lists[f"main/binary-{architecture}/Packages"] = b""
        for name, data in lists.items():
            (index / name).parent.mkdir(parents=True, exist_ok=True)
            (index / name).write_bytes(data)
        sums = "".join(
            f" {hashlib.sha256(data).hexdigest()} {len(data)} {name}\n" for name, data in lists.items()
        )
        release = (
            f"Origin: shelf\nSuite: {SUITE}\nCodename: {SUITE}\nDate: {formatdate(usegmt=True)}\n"
            f"Architectures: all amd64 arm64\nComponents: main\nSHA256:\n{sums}"
        )
        (index / "Release").write_text(release)
        (index / "InRelease").write_text(key.clearsign(release))
        return self

    @staticmethod
    def stanza(deb: Deb, package: Path) -> str:
        data = package.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        return f"{deb.control}Filename: pool/{deb.filename}\nSize: {len(data)}\nSHA256: {digest}\n"

    def place(self, root: Root) -> None:
        """Put the repository into a machine at SHELF; nothing there knows of it yet."""
        root.copy(self.folder, SHELF)

    def enlist(self, root: Root, key: Key) -> None:
        """Place it, make it the only source, trusted by `key`, and fetch its lists."""
        self.place(root)
        root.write("/etc/apt/sources.list", "")
        shutil.rmtree(root.path("/var/lib/apt/lists"))
        root.write(KEYRING, key.public)
        root.write("/etc/apt/sources.list.d/shelf.sources", SOURCE)
        root.run(["apt-get", "update"])


SOURCE = f"""\
Types: deb
URIs: file:{SHELF}
Suites: {SUITE}
Components: main
Signed-By: {KEYRING}
"""

# Ready-made packages

LICENCE = Deb(
    "shelf-licensed",
    depends="debconf",
    templates="""\
Template: shelf-licensed/accepted
Type: boolean
Default: false
Description: Do you accept the licence?
 It must be accepted before the software can be installed.
""",
    scripts={
        "config": """\
. /usr/share/debconf/confmodule
db_input critical shelf-licensed/accepted || true
db_go || true
""",
        "preinst": """\
. /usr/share/debconf/confmodule
db_get shelf-licensed/accepted
if [ "$RET" != true ]; then
    echo "the licence of shelf-licensed was not accepted" >&2
    exit 2
fi
""",
        "postinst": ". /usr/share/debconf/confmodule\ndb_stop\n",
        "postrm": 'if [ "$1" = purge ]; then . /usr/share/debconf/confmodule; db_purge; fi\n',
    },
    files={"/usr/share/shelf-licensed/readme": "licensed\n"},
)
"""A licence that must be accepted by debconf before it unpacks, as the old Oracle JDK installers asked."""

FAILING = Deb("shelf-failing", scripts={"postinst": 'echo "shelf-failing cannot be set up" >&2\nexit 1\n'})
"""Its postinst always fails, which leaves it half configured."""

SLOW = Deb(
    "shelf-slow",
    scripts={"postinst": "touch /run/shelf-slow\n[ -e /etc/shelf-fast ] || sleep 30\n"},
    files={"/usr/share/shelf-slow/readme": "slow\n"},
)
"""Its postinst takes half a minute, unless /etc/shelf-fast is there; /run/shelf-slow says that it began."""

HELD = (
    Deb("shelf-held", "1.0"),
    Deb("shelf-held", "2.0"),
    Deb("shelf-needs-held", depends="shelf-held (>= 2.0)"),
)
"""Hold version 1.0, then the last cannot be installed."""

RIVALS = (
    Deb("shelf-vim", files={"/usr/share/shelf-vim/readme": "vim\n"}),
    Deb("shelf-emacs", conflicts="shelf-vim", files={"/usr/share/shelf-emacs/readme": "emacs\n"}),
)
"""Installing the second removes the first."""

CONFIGURED = tuple(
    Deb(
        "shelf-configured",
        version,
        scripts={},
        files={"/etc/shelf.conf": f"version={version}\n", "DEBIAN/conffiles": "/etc/shelf.conf\n"},
    )
    for version in ("1.0", "2.0")
)
"""A conffile that the second version changes."""


def jdk(version: int, update: str = "0.1") -> tuple[Deb, ...]:
    """A fake JDK laid out as Debian's, in two packages: java prints its version, javac too."""
    home = f"/usr/lib/jvm/java-{version}-openjdk-amd64"
    priority = version * 100 + 11
    full = f"{version}.{update}"

    def scripts(program: str) -> dict[str, str]:
        place = f"{home}/bin/{program}"
        install = f"update-alternatives --install /usr/bin/{program} {program} {place} {priority}"
        remove = f"update-alternatives --remove {program} {place}"
        return {
            "postinst": f'if [ "$1" = configure ]; then {install}; fi\n',
            "prerm": f'if [ "$1" = remove ]; then {remove}; fi\n',
        }

    return (
        Deb(
            f"openjdk-{version}-jre-headless",
            full,
            scripts=scripts("java"),
            executables={f"{home}/bin/java": f"echo 'openjdk version \"{full}\" 2025-01-01' >&2\n"},
        ),
        Deb(
            f"openjdk-{version}-jdk-headless",
            full,
            depends=f"openjdk-{version}-jre-headless (= {full})",
            scripts=scripts("javac"),
            executables={f"{home}/bin/javac": f"echo 'javac {full}'\n"},
        ),
    )


def shelf() -> list[Deb]:
    """Every ready-made package but the JDKs."""
    return [LICENCE, FAILING, SLOW, *HELD, *RIVALS, *CONFIGURED]
