"""What is needed from the machine, and how to get it.

The broker needs Java, and its own jars, fetched once by Maven; tests need Chromium and PostgreSQL.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from plankton_stream.errors import ConfigError

JAVA_AT_LEAST = 17
_OR_USE_ANOTHER = "or set PLANKTON_KAFKA to an existing broker's host:port"
JAVA_HINT = (
    f"Kafka's broker needs Java {JAVA_AT_LEAST} or newer: `apt install openjdk-17-jre-headless`, "
    f"`brew install openjdk@17`, or set JAVA_HOME; {_OR_USE_ANOTHER}."
)
MAVEN_HINT = (
    "Maven fetches Kafka's jars, once: `apt install maven` or `brew install maven`; "
    f"{_OR_USE_ANOTHER}."
)
_GOAL = "dependency:copy-dependencies"

Say = Callable[[str], None]
"""Prints one line of progress."""


def deploy_folder() -> Path:
    """The templates of `deploy/kafka`, in a checkout or in an installed wheel."""
    package = Path(__file__).resolve().parents[1]
    packed = package / "_deploy" / "kafka"
    return packed if packed.is_dir() else package.parent / "deploy" / "kafka"


def cache_folder() -> Path:
    """Per-user folder for what is fetched or unpacked once and shared by all homes."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "plankton-stream"


def java() -> Path:
    """The Java that runs the broker: of `JAVA_HOME`, else of `PATH`.

    Raises:
        ConfigError: there is none, or it is too old.
    """
    home = os.environ.get("JAVA_HOME")
    found = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if found is None:
        raise ConfigError(f"No Java found. {JAVA_HINT}")
    version = java_version(found)
    if version < JAVA_AT_LEAST:
        what = f"is version {version}" if version else "does not run"
        raise ConfigError(f"{found} {what}. {JAVA_HINT}")
    return Path(found)


def java_version(program: str) -> int:
    """Feature version of a Java, e.g. 17; 0 if the program does not run."""
    try:
        run = subprocess.run(  # noqa: S603
            [program, "-version"], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    # `openjdk version "17.0.15" …`; up to Java 8 it was `"1.8.0_292"`.
    match = re.search(r'version "(?:1\.)?(\d+)', run.stderr + run.stdout)
    return int(match.group(1)) if match else 0


def maven() -> Path:
    """The `mvn` of `PATH`.

    Raises:
        ConfigError: there is none.
    """
    found = shutil.which("mvn")
    if found is None:
        raise ConfigError(f"No Maven (mvn) found. {MAVEN_HINT}")
    return Path(found)


def find_chromium() -> Path:
    """The browser that the tests drive.

    Raises:
        ConfigError: there is none.
    """
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return Path(found)
    raise ConfigError(
        "No Chromium found: `apt install chromium` or `brew install --cask chromium`."
    )


def find_postgres(debian: Path = Path("/usr/lib/postgresql")) -> Path:
    """Folder with the newest PostgreSQL's `initdb` and `postgres`, which the tests run.

    Args:
        debian: where its package has a folder per version, out of `PATH`.

    Raises:
        ConfigError: there is none.
    """
    versions = [found.parent for found in debian.glob("*/bin/initdb")]
    if versions:
        return max(versions, key=lambda folder: float(folder.parent.name))
    if on_path := shutil.which("initdb"):
        return Path(on_path).parent
    raise ConfigError("No PostgreSQL found: `apt install postgresql` or `brew install postgresql`.")


def jars_folder() -> Path:
    """Where the broker's jars are once they are fetched: a folder per content of the pom."""
    content = hashlib.sha256(_pom().read_bytes()).hexdigest()
    return cache_folder() / "kafka" / content[:16]


def jars(say: Say) -> Path:
    """Folder with the broker's jars; fetches them if this version is not there yet.

    Args:
        say: gets a line now and then while Maven downloads.

    Raises:
        ConfigError: Maven is missing or fails (there is no network, the cache is not writable).
    """
    wanted = jars_folder()
    if not wanted.is_dir():
        program = maven()
        say("kafka: fetching the broker with Maven (once, 44 MB)")
        fill_once(wanted, lambda folder: _fetch(program, folder, say))
    return wanted


def fill_once(wanted: Path, fill: Callable[[Path], None]) -> None:
    """Make a folder that is either absent or complete, also if two processes do it at once.

    Raises:
        ConfigError: the place is not writable.
    """
    try:
        wanted.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=wanted.parent, prefix="partial-") as partial:
            folder = Path(partial) / wanted.name
            folder.mkdir()
            fill(folder)
            if not wanted.is_dir():
                folder.rename(wanted)
    except OSError as error:
        if not wanted.is_dir():  # else: another process was first, with the same content
            raise ConfigError(
                f"{wanted.parent}: {error.strerror or error}. Set XDG_CACHE_HOME to a folder that "
                "is writable and has 500 MB free."
            ) from error


def _pom() -> Path:
    return deploy_folder() / "pom.xml"


def _fetch(program: Path, folder: Path, say: Say) -> None:
    command = [str(program), "-B", "-f", str(_pom()), _GOAL]
    command += [f"-DoutputDirectory={folder}", "-DincludeScope=runtime"]
    with subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        try:
            errors = _follow(run.stdout or (), say)
        except BaseException:
            run.kill()  # interrupted: do not wait for the rest of the download
            raise
    if run.returncode != 0:
        why = errors[0] if errors else f"mvn ended with exit code {run.returncode}"
        raise ConfigError(
            f"Maven could not fetch Kafka's jars: {why} This needs the network (or a mirror in "
            f"~/.m2/settings.xml) once; {_OR_USE_ANOTHER}."
        )


def _follow(lines: Iterable[str], say: Say) -> list[str]:
    """Turn Maven's output into progress; returns what it complained about."""
    errors: list[str] = []
    fetched = 0
    for line in lines:
        if line.startswith("[ERROR]"):
            errors.append(line.removeprefix("[ERROR]").strip().split("->")[0].strip())
        elif line.startswith("[INFO] Downloaded") and ".jar" in line:
            fetched += 1
            if fetched % 20 == 0:
                say(f"kafka: {fetched} files fetched")
    return [error for error in errors if error]
