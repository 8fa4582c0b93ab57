"""Git repositories: cloned, at the revision that is wanted, with the user's own edits untouched."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator
from urllib.parse import urlsplit

from provisioner.kinds.base import ABSENT, SHOWN_DIGITS, Entry, Joint, Kind, Lockable
from provisioner.kinds.git import lock, packages, user_config
from provisioner.kinds.git.facts import Clone, GitFacts, RepoFacts
from provisioner.kinds.git.observe import begin, observe
from provisioner.kinds.git.packages import PackageFacts
from provisioner.kinds.git.pins import GitPinning, GitPins, WantedRepository, wanted
from provisioner.kinds.git.preview import preview
from provisioner.kinds.git.section import Config, Git, Repo, is_ssh, paths
from provisioner.kinds.git.state import Task, is_behind, is_from, more, normal, state, target_of
from provisioner.kinds.git.user_config import UserConfig
from provisioner.kinds.git.work import effects
from provisioner.kinds.shared.debian.joint import together
from provisioner.kinds.shared.fields import as_written
from provisioner.model.plan import Action, Change, Named, Step

ACTIONS = {
    Task.KEEP: Action.KEEP,
    Task.CLONE: Action.CREATE,
    Task.CHECKOUT: Action.UPDATE,
    Task.FORWARD: Action.UPDATE,
    Task.FINISH: Action.UPDATE,
    Task.TIDY: Action.UPDATE,
    Task.BLOCKED: Action.BLOCKED,
}


SSH_FILES = tuple(f".ssh/{name}" for name in ("config", "known_hosts", "id_ed25519", "id_ecdsa", "id_rsa"))
WEB_FILES = (".git-credentials", ".netrc")
"""Source: ssh(1), "FILES"; git-credential-store(1); curl(1), `--netrc`."""


def plan(config: Git, facts: GitFacts, pinning: GitPinning | None = None) -> Iterator[Step]:
    """What it takes to have git, then the user's settings, then each repository."""
    if isinstance(found := facts.get(packages.KEY), PackageFacts):
        yield packages.plan(found)
    if isinstance(settings := facts.get(user_config.KEY), UserConfig):
        yield user_config.plan(config.config, settings)
    for name, one in wanted(config.repos, pinning).items():
        if isinstance(repo := facts[name], RepoFacts):
            yield step(name, one, repo, locking=pinning is not None)


def step(name: str, wanted: WantedRepository, found: RepoFacts, *, locking: bool) -> Step:
    """All that one repository needs."""
    address = f"git.{name}"
    task, reason = state(wanted, found)
    before = describe(wanted, found.clone) if found.clone else None
    if obstacle := obstacle_to(task, wanted, found):
        task, reason = Task.BLOCKED, obstacle
    after = before if task in (Task.KEEP, Task.TIDY, Task.FINISH) else describe_target(wanted, found)
    change = Change(address, ACTIONS[task], before, after, reason or prospects(wanted, found))
    if task is Task.BLOCKED:
        return Step(id=address, changes=(change,))
    return Step(
        id=address,
        changes=(change,),
        effects=tuple(effects(task, wanted, found)),
        warnings=(*(() if locking else not_pinned(name, wanted, found)), *lacking(name, wanted, found)),
    )


# What a plan shows


def describe(wanted: WantedRepository, clone: Clone) -> str:
    """What is checked out."""
    commit = clone.head.commit[:SHOWN_DIGITS] or "nothing"
    if clone.head.branch:
        return f"{clone.head.branch} at {commit}"
    at_tag = wanted.name and not wanted.short and clone.tag == clone.head.commit
    return f"{wanted.name} at {commit}" if at_tag else commit


def describe_target(wanted: WantedRepository, found: RepoFacts) -> str:
    """What will be checked out, as far as that is known, and for what is not here where it comes from."""
    clone = found.clone if found.clone and is_from(found.clone, wanted.repo) else None
    default = found.remote.default if found.remote else ""
    name = wanted.name or default or (clone.head.branch if clone else "")
    commit = target_of(wanted, found)[:SHOWN_DIGITS]
    if wanted.commit or (wanted.short and commit):
        name = ""
    what = f"{name} at {commit}" if name and commit else name or commit or "the default branch"
    return what if clone else f"{what} from {source(wanted.repo)}"


def source(repo: Repo) -> str:
    """Where a repository comes from, in short."""
    if repo.local:
        return as_written(repo.url)
    return urlsplit(normal(repo.url)).hostname or ""


def prospects(wanted: WantedRepository, found: RepoFacts) -> str:
    """What else is known of a repository that is right or can be made right."""
    answer, clone = found.remote, found.clone
    if answer and answer.unknown:
        return f"the server could not be asked: {answer.error}"
    if clone and answer and is_behind(clone, answer):
        path = shlex.quote(found.path)
        return f"the server has other commits on {clone.head.branch}; take them: git -C {path} pull --ff-only"
    return ""


def obstacle_to(task: Task, wanted: WantedRepository, found: RepoFacts) -> str:
    """Why a task cannot be done, and the way out; "" where it can."""
    if task in (Task.CLONE, Task.CHECKOUT) and (reason := why_unavailable(wanted, found)):
        return reason
    if task in (Task.CHECKOUT, Task.FORWARD) and (reason := why_precious(task, wanted, found)):
        return reason
    if task is Task.FINISH and found.clone:
        mine = [each for each in found.clone.submodules if each.branch]
        if mine:
            place = shlex.quote(posixpath.join(found.path, mine[0].path))
            return (
                f"the submodule {mine[0].path} is on the branch {mine[0].branch}, which somebody made there; "
                f"leave it: git -C {place} checkout --detach"
            )
    return ""


def why_unavailable(wanted: WantedRepository, found: RepoFacts) -> str:
    """Why the server cannot give what is wanted; "" where it can, or could not be asked."""
    answer, name = found.remote, wanted.name
    if answer is None or answer.unknown or found.target:
        return ""
    if answer.error:
        return answer.error
    if wanted.commit or wanted.short or answer.refs:
        return ""
    if name is None:
        return f"the repository at {source(wanted.repo)} is empty"
    near = f"did you mean {', '.join(answer.near)}?" if answer.near else "check `rev`"
    return f"the repository has no branch, tag or commit {name}; {near}"


def why_precious(task: Task, wanted: WantedRepository, found: RepoFacts) -> str:
    """What would be lost by checking out another revision, and how to keep it; "" for nothing."""
    path = shlex.quote(found.path)
    if found.edited:
        what = f"{found.edited[0]} was edited there{more(found.edited)}"
        return f"{what}, which another revision would overwrite; keep the edits: git -C {path} stash"
    if found.in_the_way:
        what = f"{found.in_the_way[0]} is not from the repository, and the revision that is wanted brings one"
        return f"{what}; move it away, or keep it: git -C {path} stash --include-untracked"
    if task is Task.FORWARD and found.ahead and found.clone:
        return (
            f"{found.clone.head.branch} has commits that the server does not have; push or rebase them: "
            f"git -C {path} pull --rebase; or write update: never"
        )
    return ""


def not_pinned(name: str, wanted: WantedRepository, found: RepoFacts) -> Iterator[str]:
    """That another day may bring other code, with the line that prevents it."""
    if not (wanted.commit or wanted.short or wanted.follows or may_be_tag(wanted, found)):
        commit = target_of(wanted, found) or (found.clone.head.commit if found.clone else "")
        line = f"write:\nrev: {commit}" if commit else "write `rev` with a commit"
        yield f"`{name}` is not pinned, so another day may bring other code; {line}"


def lacking(name: str, wanted: WantedRepository, found: RepoFacts) -> Iterator[str]:
    """That large files are not fetched, where the file does not say whether they should be."""
    if found.clone and found.clone.large and "lfs" not in wanted.repo.model_fields_set:
        yield (
            f"`{name}` keeps large files in Git LFS, and has only pointers to them here; "
            "write lfs: true to fetch them, or lfs: false to leave it so"
        )


def may_be_tag(wanted: WantedRepository, found: RepoFacts) -> bool:
    """Whether the revision that is wanted is a tag, here or on the server, or nobody could say that."""
    answer, clone = found.remote, found.clone
    if not wanted.name:
        return False
    return bool((answer and (answer.unknown or answer.tag(wanted.name))) or (clone and clone.tag))


# Entries


def entries(config: Git, folder: str) -> Iterator[Entry]:
    """What it takes to have git; the user's settings; each repository."""
    yield Entry(
        address=packages.ADDRESS,
        config=Git(packages=config.packages),
        makes=("program:git",),
        behind=("apt",),
        joint=True,
    )
    if config.config:
        yield Entry(
            address=f"git.{user_config.KEY}",
            config=Git(config=config.config),
            place=("config",),
            makes=("git:config",),
            uses=("program:git",),
        )
    decides = any(key.startswith("credential.") for key in config.config)
    for name, repo in config.repos.items():
        local = (repo.url,) if repo.local else ()
        settings = ("git:config",) if decides and not local else ()
        yield Entry(
            address=f"git.{name}",
            config=Git(repos={name: repo}),
            place=("repos", name),
            makes=(repo.place,),
            reads=(*local, *settings, *who_asks(repo, config.home)),
            uses=("program:git", "git:config"),
            about=f"what {as_written(repo.url)} has" if local else "what the server has",
        )


def who_asks(repo: Repo, home: str) -> tuple[str, ...]:
    """The files by which a server knows the user, and the user the server, which another entry may make."""
    if repo.local:
        return ()
    names = SSH_FILES if is_ssh(repo.url) else WEB_FILES
    return tuple(posixpath.join(home, name) for name in names)


def named(config: Git, facts: GitFacts) -> Iterator[Named]:
    """The commit of each repository, and the value of each setting."""
    if isinstance(settings := facts.get(user_config.KEY), UserConfig):
        yield from user_config.named(config.config, settings)
    for name in config.repos:
        if isinstance(found := facts[name], RepoFacts):
            yield f"git.{name}", identity(found)


def identity(found: RepoFacts) -> str | None:
    """The commit that is checked out; None for something else."""
    if found.clone:
        return found.clone.head.commit or ABSENT
    return None if found.obstacle or found.circle else ABSENT


KIND = Kind(
    name="git",
    config=Config,
    observe=observe,
    plan=plan,
    named=named,
    joint=Joint(begin, together),
    entries=entries,
    paths=paths,
    preview=preview,
    lock=Lockable(
        pins=GitPins,
        observe=observe,
        plan=plan,
        check=lock.check,
        pin=lock.pin,
        contents=lock.contents,
        materials=lock.materials,
    ),
)
