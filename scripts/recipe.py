"""Carries out a Dockerfile's steps in folders: `python scripts/recipe.py BASE OUT`, as root.

BASE is a root folder made by debootstrap; it stands for every `FROM ${BASE}`. Each stage becomes
a folder of OUT, and its steps run inside it by chroot with the network of this machine, as
`docker build` would run them. OUT/image.json says how the image would be started. Only the
instructions that deploy/Dockerfile uses are known; any other one stops it.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
FROM_HERE = ("/etc/resolv.conf", "/etc/hosts")
"""What every builder lends its steps; the image does not keep it."""
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
BUILDER = {"DEBIAN_FRONTEND": "noninteractive"}
NAMESPACES = ("--mount", "--pid", "--fork", "--kill-child")
MEGABYTE = 1_000_000


@dataclass
class Stage:
    """A stage of the build: where its files are, and what its instructions have set."""

    name: str
    root: Path
    env: dict[str, str] = field(default_factory=lambda: {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    workdir: str = "/"
    settings: dict[str, object] = field(default_factory=dict)


def instructions(text: str) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile in order, each on one line."""
    kept = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(kept).replace("\\\n", " ")
    split = (line.strip().split(maxsplit=1) for line in joined.splitlines() if line.strip())
    return [(word.upper(), " ".join(rest.split())) for word, rest in split]


def run(stage: Stage, command: str) -> None:
    """Carry out a RUN step inside the stage's folder."""
    environ = {**stage.env, **BUILDER}
    if CERTIFICATES.is_file():
        # A machine behind a proxy trusts more than the image does.
        environ["PIP_CERT"] = "/run/builder-certificates.crt"
        shutil.copy(CERTIFICATES, stage.root / "run/builder-certificates.crt")
    for name in FROM_HERE:
        shutil.copy(name, stage.root / name.lstrip("/"))
    inside = f"cd {shlex.quote(stage.workdir)} && {command}"
    own = shlex.quote(str(stage.root))
    variables = " ".join(shlex.quote(f"{name}={value}") for name, value in environ.items())
    steps = (
        f"mount -t proc proc {own}/proc && mount --bind /dev {own}/dev && "
        f"exec chroot {own} /usr/bin/env -i {variables} /bin/sh -c {shlex.quote(inside)}"
    )
    subprocess.run(  # noqa: S603 - the recipe is ours
        ["/usr/bin/unshare", *NAMESPACES, "/bin/sh", "-c", steps], check=True
    )


def copy(stage: Stage, words: str, stages: list[Stage]) -> None:
    """Carry out a COPY step, from the repository or from an earlier stage."""
    *sources, target = words.split()
    here = ROOT
    if sources[0].startswith("--from="):
        name = sources.pop(0).removeprefix("--from=")
        here = next(other.root for other in stages if other.name == name)
    into = stage.root / stage.workdir.lstrip("/") / target
    if target.startswith("/"):
        into = stage.root / target.lstrip("/")
    for source in sources:
        found = here / source.lstrip("/")
        many = target.endswith("/") and not found.is_dir()
        _copied(found, into / found.name if many else into)


def _copied(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        left_out = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, ignore=left_out)
    else:
        shutil.copy2(source, target)


def setting(stage: Stage, word: str, rest: str) -> None:
    """Take in an instruction that changes no file.

    Raises:
        SystemExit: It is not known here.
    """
    if word == "ENV":
        stage.env |= dict(part.split("=", 1) for part in shlex.split(rest))
    elif word == "WORKDIR":
        stage.workdir = rest
        (stage.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
    elif word == "HEALTHCHECK":
        stage.settings[word] = json.loads(rest.partition(" CMD ")[2])
    elif word in {"CMD", "ENTRYPOINT", "VOLUME"}:
        stage.settings[word] = json.loads(rest)
    elif word in {"USER", "EXPOSE"}:
        stage.settings[word] = rest
    else:
        raise SystemExit(f"{word} {rest}: this instruction is not known to scripts/recipe.py")


def build(base: Path, out: Path) -> list[Stage]:
    """Carry out every step of the Dockerfile; give the stages, the image last."""
    stages: list[Stage] = []
    for word, rest in instructions(DOCKERFILE.read_text(encoding="utf-8")):
        print(f"== {word} {rest}"[:160], flush=True)
        if word == "ARG":
            continue
        if word == "FROM":
            name = rest.partition(" AS ")[2] or "image"
            subprocess.run(  # noqa: S603
                ["/bin/cp", "-a", "--reflink=auto", str(base), str(out / name)], check=True
            )
            stages.append(Stage(name, out / name))
        elif word == "RUN":
            run(stages[-1], rest)
        elif word == "COPY":
            copy(stages[-1], rest, stages)
        else:
            setting(stages[-1], word, rest)
    return stages


def size(folder: Path) -> int:
    """The bytes of all files below a folder, each counted once."""
    seen: dict[int, int] = {}
    for place, _, names in os.walk(folder):
        for name in names:
            found = (Path(place) / name).lstat()
            seen[found.st_ino] = found.st_size
    return sum(seen.values())


def main(base: Path, out: Path) -> None:
    """Build, and say how large it is and how it is started."""
    image = build(base, out)[-1]
    for name in FROM_HERE:
        (image.root / name.lstrip("/")).write_text("", encoding="utf-8")
    started = {"env": image.env, "workdir": image.workdir, **image.settings}
    (out / "image.json").write_text(json.dumps(started, indent=2) + "\n", encoding="utf-8")
    parts = {"base": base, "image": image.root, "packages": image.root / "opt/ferryman"}
    print(*(f"{name}: {size(path) / MEGABYTE:.0f} MB" for name, path in parts.items()), sep="\n")


if __name__ == "__main__":
    if len(sys.argv) != len(("recipe.py", "BASE", "OUT")) or os.geteuid() != 0:
        raise SystemExit(re.sub(r"\n\n.*", "", __doc__ or "", flags=re.DOTALL))
    main(Path(sys.argv[1]), Path(sys.argv[2]))
