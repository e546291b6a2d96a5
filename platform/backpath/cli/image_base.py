"""The image that both grading images stand on: Python 3.13 on a small Debian.

Where a registry answers, the source is its slim Python image; elsewhere a Debian
tree is made from the distribution's packages. Both go through the same recipe
(``sandbox/images/base``), so nothing above can tell which one it was.
"""

import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path

from backpath.cli import apt, docker_api
from backpath.cli.commands import SYSTEM_FOLDERS, as_root, authorise, run, system_program
from backpath.cli.console import CommandFailed, note, progress
from backpath.cli.docker_api import DockerClient, is_present
from backpath.cli.paths import REPOSITORY, user_cache

RECIPE = REPOSITORY / "sandbox" / "images" / "base"
REGISTRY_IMAGE = "python:3.13-slim"
SUITE = "trixie"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
SCRIPTS = Path("/usr/share/debootstrap/scripts")
LEFT_OUT = ("./dev/*", "./proc/*", "./sys/*", "./run/*", "./tmp/*", "./var/cache/*",
            "./var/lib/apt/lists/*", "./usr/share/doc/*", "./usr/share/man/*",
            "./usr/share/locale/*")  # fmt: skip


def source_image(client: DockerClient, *, refresh: bool = False) -> str:
    """Name of an image in the engine that has ``python3.13`` on its path.

    ``BACKPATH_BASE_IMAGE`` names another image than the registry's; the value
    ``debian`` skips the registry. ``refresh`` asks the registry again although
    an image is here. Raises CommandFailed when neither route works.
    """
    chosen = os.environ.get("BACKPATH_BASE_IMAGE", REGISTRY_IMAGE)
    if chosen != "debian":
        if not refresh and is_present(client, chosen):
            return chosen
        if _pull(chosen) or is_present(client, chosen):
            return chosen
        if chosen != REGISTRY_IMAGE:
            raise CommandFailed(
                f"The base image {chosen} is not here and cannot be pulled.",
                "Load it into Docker, or unset BACKPATH_BASE_IMAGE.",
            )
        note("No registry answers; building the base from Debian's packages instead.")
    return _debian_image(client)


def _pull(name: str) -> bool:
    """Whether the image could be pulled; a registry that is slow to answer counts as absent."""
    if not docker_api.registry_answers(name):
        return False
    try:
        with progress(f"Pulling {name}") as step:
            docker_api.pull(name, step=step)
    except (CommandFailed, *docker_api.ENGINE_ERRORS) as error:
        note(f"{name} could not be pulled: {error}")
        return False
    return True


def _debian_image(client: DockerClient) -> str:
    packages = debian_packages()
    recipe = hashlib.sha256("\n".join([SUITE, *packages, *LEFT_OUT]).encode()).hexdigest()[:12]
    name = f"backpath/debian-python:{recipe}"
    if is_present(client, name):
        return name
    architecture = client.info()["Architecture"]
    tarball = user_cache() / "bases" / f"debian-{SUITE}-{architecture}-{recipe}.tar"
    if not tarball.is_file():
        _make_tarball(tarball, packages)
    with progress("Importing the Debian base into Docker"):
        docker_api.import_tarball(client, tarball, name=name)
    return name


def debian_packages() -> list[str]:
    """Package names of the recipe, without its comments."""
    lines = (RECIPE / "debian-packages.txt").read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _make_tarball(tarball: Path, packages: list[str]) -> None:
    found = {
        "debootstrap": system_program("debootstrap") is not None,
        "debian-archive-keyring": KEYRING.is_file(),
    }
    missing = [package for package, is_here in found.items() if not is_here]
    if missing:
        apt.install(*missing, purpose="build the base of the grading images")
    tarball.parent.mkdir(parents=True, exist_ok=True)
    authorise()
    # Not in /tmp: it is often mounted without device files or too small.
    root = Path(tempfile.mkdtemp(dir=tarball.parent, prefix=".root-"))
    partial = tarball.with_suffix(".partial")
    try:
        with progress("Building the base from Debian's packages") as step:
            run(
                as_root(_debootstrap(root, packages)),
                problem="The Debian base could not be built.",
                remedy="Check the network, or set BACKPATH_DEBIAN_MIRROR or BACKPATH_BASE_IMAGE.",
                step=step,
            )
            step.detail = "packing"
            excluded = [f"--exclude={pattern}" for pattern in LEFT_OUT]
            pack = ["tar", "--create", "--numeric-owner", "--one-file-system", *excluded,
                    "--file", str(partial), "--directory", str(root), "."]  # fmt: skip
            run(as_root(pack), problem="The Debian base could not be packed.",
                remedy="Check the free disk space.", step=step)  # fmt: skip
            run(as_root(["chmod", "0644", str(partial)]), problem="The base is not readable.")
            partial.replace(tarball)
    finally:
        run(as_root(["rm", "-rf", "--one-file-system", str(root), str(partial)]),
            problem=f"{root} could not be removed.")  # fmt: skip


def _debootstrap(root: Path, packages: list[str]) -> list[str]:
    # The scripts of one Debian release differ in name only from those of the
    # next, and an older debootstrap does not know the newest name yet.
    known = (SCRIPTS / SUITE).exists()
    path = f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_FOLDERS}"
    mirror = os.environ.get("BACKPATH_DEBIAN_MIRROR", "")
    if not known and not mirror:
        mirror = _default_mirror()
    given = [f"{name}={value}" for name, value in proxies().items()]
    command = ["env", f"PATH={path}", *given, "debootstrap", "--variant=minbase",
               f"--include={','.join(packages)}",
               f"--keyring={KEYRING}",
               SUITE, str(root)]  # fmt: skip
    if mirror:
        command.append(mirror)
    if not known:
        command.append(str(SCRIPTS / "sid"))
    return command


def _default_mirror() -> str:
    """Where the machine's debootstrap fetches from when it is not told.

    Naming the script of another release means naming the mirror as well. Raises
    CommandFailed when debootstrap does not say.
    """
    program = Path(system_program("debootstrap") or "")
    found = re.search(r'^DEF_MIRROR="?([^"\s]+)', program.read_text(errors="replace"), re.MULTILINE)
    if found is None:
        raise CommandFailed(
            "The machine's debootstrap names no mirror to fetch Debian from.",
            "Set BACKPATH_DEBIAN_MIRROR to the address of one.",
        )
    return found.group(1)


def proxies() -> dict[str, str]:
    """apt's proxy as environment settings, for whatever reads none of this machine's files."""
    settings = {key: os.environ[key] for key in ("http_proxy", "https_proxy", "no_proxy")
                if os.environ.get(key)}  # fmt: skip
    if "http_proxy" not in settings and shutil.which("apt-config"):
        said = run(["apt-config", "dump", "--format", "%v%n", "Acquire::http::Proxy"],
                   problem="apt's settings could not be read.").strip()  # fmt: skip
        if said and said != "DIRECT":
            settings["http_proxy"] = said.splitlines()[0]
    return settings
