"""Which of git's settings a spec may make: those that start no program and open no door.

git reads its settings in every repository of the user, so one that starts a program would run it for whoever
merely looks at a clone. There is no list of those that do, and tools beside git add more, so it is the other
way round: only settings that are known to be harmless are accepted. Source: git-config(1), gitcredentials(7).
"""

from __future__ import annotations

import re

KEY = re.compile(
    r"(?P<section>[A-Za-z][A-Za-z0-9-]*)\.(?:(?P<name>.+)\.)?(?P<variable>[A-Za-z][A-Za-z0-9-]*)"
)

HARMLESS = re.compile(
    r"(user|author|committer)\.(name|email)"
    r"|user\.(signingkey|useconfigonly)"
    r"|(advice|color|column|status|log|branch|gc|pack|index|feature)\.[^.]+"
    r"|init\.defaultbranch"
    r"|core\.(abbrev|autocrlf|bigfilethreshold|compression|eol|filemode|ignorecase|logallrefupdates|longpaths"
    r"|preloadindex|precomposeunicode|quotepath|safecrlf|symlinks|untrackedcache|whitespace)"
    r"|credential\.(.+\.)?(helper|username|usehttppath)"
    r"|diff\.(algorithm|colormoved|colormovedws|context|mnemonicprefix|noprefix|renames|renamelimit|submodule)"
    r"|fetch\.(fsckobjects|parallel|prune|prunetags|recursesubmodules|writecommitgraph)"
    r"|http\.(lowspeedlimit|lowspeedtime|maxrequests|postbuffer|version)"
    r"|lfs\.(activitytimeout|concurrenttransfers|dialtimeout|fetchexclude|fetchinclude|keepalive"
    r"|locksverify|tlstimeout|transfer\.max(retries|retrydelay|verifies))"
    r"|(merge|pull|push|rebase)\.(autosetupremote|autosquash|autostash|conflictstyle|default|ff|followtags"
    r"|log|rebase|renames|stat|updaterefs)"
    r"|commit\.(gpgsign|verbose)|tag\.(gpgsign|sort)|rerere\.(autoupdate|enabled)"
    r"|submodule\.(fetchjobs|recurse)|transfer\.fsckobjects"
)
"""Settings by their names in small letters. `gpgsign` starts the user's own gpg, which `gpg.program` would
change, and that is not among them."""

HELPER = re.compile(
    r"|(store|cache|libsecret|osxkeychain|manager|manager-core|gcloud\.sh)"
    r"( --(file|timeout|socket)[= ][A-Za-z0-9_./~-]+)*|!gh auth git-credential"
)
"""The credential helpers that come with git and with the tools of its hosts; git gives the rest of the text
to a shell."""

DANGERS = (
    (
        r"alias\..*|.*\.(cmd|command|clean|smudge|process|driver|textconv|program|external|editor|pager|vcs"
        r"|sshcommand|askpass|gitproxy|fsmonitor|uploadpack|receivepack|.*hook)|pager\..*",
        "makes git start a program",
    ),
    (r"core\.hookspath|init\.templatedir", "makes git run hooks from another folder"),
    (r"include(if)?\..*|core\.(attributesfile|excludesfile|worktree)", "makes git read another file"),
    (r"http\..*ssl.*|http\.(.*\.)?proxy.*|safe\..*|protocol\..*", "takes away a protection of git's"),
    (r"url\..*|remote\..*", "makes git take code from another place than a file says"),
    (r"http\.(.*\.)?(extraheader|cookiefile)|.*\.(password|token|smtppass)", "holds a secret"),
)
"""Why the best-known of the others are refused."""


def check_key(key: str) -> str:
    """A key that a spec may set, with its section and variable in small letters, as git compares them."""
    if not KEY.fullmatch(key) or re.search(r"[\s\x00-\x1f\x7f\"\\]", key):
        raise ValueError("is not a setting of git; write it like user.name")
    normal = normal_key(key)
    if HARMLESS.fullmatch(normal.lower()):
        return normal
    why = next((why for pattern, why in DANGERS if re.fullmatch(pattern, normal.lower())), "")
    raise ValueError(
        f"{why or 'is not among the settings that are known to be harmless'}, so a file that is shared may "
        f"not set it; set it yourself: git config --global {key} ..."
    )


def normal_key(key: str) -> str:
    """A key as git compares it: only what is between the first and the last dot is as it was written."""
    section, _, rest = key.partition(".")
    name, dot, variable = rest.rpartition(".")
    return f"{section.lower()}.{name}{dot}{variable.lower()}"


def check_value(key: str, value: str) -> None:
    """Raises ValueError for a value that git would not take as it is, or that would start a program."""
    if re.search(r"[\x00-\x1f\x7f]", value):
        raise ValueError(f"sets {key} to more than one line")
    if key.endswith(".helper") and not HELPER.fullmatch(value):
        raise ValueError(
            f"sets {key} to `{value}`, which git would start as a program; "
            "write store or cache, perhaps with --file or --timeout"
        )
