"""How git is started: it asks nothing, runs no hooks, and speaks only to where a spec may send it."""

from __future__ import annotations

from provisioner.model.effects import Run

ENVIRONMENT = (
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_ASKPASS", ""),
    ("SSH_ASKPASS", None),
    ("GCM_INTERACTIVE", "never"),
    ("LC_ALL", "C.UTF-8"),
    ("GIT_DEFAULT_REF_FORMAT", "files"),
    ("GIT_DEFAULT_HASH", "sha1"),
)
"""Nothing may ask for a password, and messages are parsed, so they are in English."""

SCRUB = (
    r"GIT_(DIR|WORK_TREE|COMMON_DIR|INDEX_FILE|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|NAMESPACE|PREFIX"
    r"|CEILING_DIRECTORIES|TEMPLATE_DIR|ALLOW_PROTOCOL|PROTOCOL_FROM_USER|EXTERNAL_DIFF|.*_PATHSPECS"
    r"|LFS_SKIP_SMUDGE|CONFIG(_GLOBAL|_SYSTEM|_NOSYSTEM|_PARAMETERS|_COUNT|_KEY_\d+|_VALUE_\d+)?)|LANGUAGE"
)
"""What a shell or a hook may have set for another repository, and what would lift our limits."""

GUARDS = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.sshCommand=ssh -o BatchMode=yes"),
    *("-c", "protocol.allow=never"),
    *("-c", "protocol.https.allow=always"),
    *("-c", "protocol.ssh.allow=always"),
)
"""GIT_SSH_COMMAND, if the user has set it, comes before `core.sshCommand`."""

NO_SMUDGE = (("GIT_LFS_SKIP_SMUDGE", "1"),)
"""Large files are fetched together, after the checkout."""

ASKING = 60.0
"""Seconds that a server may take to say which branches and tags it has."""

TRANSIENT = (
    r"Could not resolve host|Temporary failure in name resolution|Name or service not known",
    r"Connection (timed out|refused|reset)|Operation timed out|Failed to connect|Network is unreachable",
    r"early EOF|unexpected disconnect|RPC failed|The remote end hung up unexpectedly|curl 18|curl 56|curl 92",
    r"The requested URL returned error: (408|429|5\d\d)",
)

PRIVATE = (
    r"could not read (Username|Password)|terminal prompts disabled|Authentication failed"
    r"|Permission denied \(|The requested URL returned error: 40[13]"
)
"""What git says where a server wants to know who asks; so do some for what they do not have."""

PRIVATE_HINT = (
    "There is no such repository, or it is private. For a private one let git know who you are: "
    "`credential.helper` under `git.config`, or an ssh key and its ssh URL."
)

MISSING = (
    r"not found|does not appear to be a git repository|not valid: is this a git repository\?"
    r"|does not exist|No such file or directory|returned error: 404"
)
UNKNOWN_HOST_KEY = r"Host key verification failed"
HOST_KEY_HINT = (
    "ssh does not know the server: connect once by hand, or put its public key into ~/.ssh/known_hosts."
)

HINTS = (
    (PRIVATE, PRIVATE_HINT),
    (UNKNOWN_HOST_KEY, HOST_KEY_HINT),
    (
        r"untracked working tree files would be overwritten",
        "The revision brings files that are there already: move them away, then apply again.",
    ),
    (
        r"local changes to the following files would be overwritten|Please commit your changes or stash",
        "Files were edited there: keep the edits with `git stash`, then apply again.",
    ),
    (
        r"Unable to create '([^']+\.lock)': File exists",
        r"Another git is at work there, or one was cut short: when none is, remove \1.",
    ),
    (
        r"Not possible to fast-forward|Diverging branches",
        "The branch has commits that the server does not have: rebase or push them, or write update: never.",
    ),
    (r"detected dubious ownership in repository at '([^']+)'", r"Another user owns \1: change its owner."),
    (
        r"transport '(\w+)' not allowed",
        r"It leads to a \1 URL, for a submodule or by a redirection; only https and ssh are followed.",
    ),
    (
        r"couldn't find remote ref|not our ref|Remote branch \S+ not found",
        "Check `rev`: the server does not have it.",
    ),
    (r"'lfs' is not a git command", "Install git-lfs, or let apt install it."),
    (
        r"pathspec '[^']+' did not match|reference is not a tree|ambiguous argument|invalid reference",
        "Check `rev`: the repository does not have it.",
    ),
    (MISSING, "Check the url: there is no repository there, or you may not read it."),
)


def allowed(url: str) -> tuple[str, ...]:
    """The options that allow what only a URL of that kind may use."""
    scheme = "file" if url.startswith("/") else "http" if url.startswith("http:") else ""
    return ("-c", f"protocol.{scheme}.allow=always") if scheme else ()


def words(url: str, *arguments: str, at: str = "") -> tuple[str, ...]:
    """A command line of git's, about a repository from `url`, perhaps in the folder `at`."""
    place = ("-C", at) if at else ()
    return ("git", *place, *GUARDS, *allowed(url), *arguments)


def git(
    url: str,
    *arguments: str,
    at: str = "",
    remedies: tuple[tuple[str, tuple[str, ...]], ...] = (),
    instead: tuple[tuple[str, tuple[str, ...]], ...] = (),
    timeout: float = 3600.0,
) -> Run:
    """What changes something."""
    return Run(
        argv=words(url, *arguments, at=at),
        env=(*ENVIRONMENT, *NO_SMUDGE),
        scrub=SCRUB,
        timeout=timeout,
        transient=TRANSIENT,
        hints=HINTS,
        remedies=remedies,
        instead=instead,
    )


def question(url: str, *arguments: str, at: str = "", timeout: float = ASKING, stdin: str = "") -> Run:
    """What changes nothing, but caches of our own."""
    env = (*ENVIRONMENT, ("GIT_OPTIONAL_LOCKS", "0"))
    return Run(argv=words(url, *arguments, at=at), stdin=stdin, env=env, scrub=SCRUB, timeout=timeout)
