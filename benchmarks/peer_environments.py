"""Peers of the benchmarks: libraries in environments of their own, installed from hashed locks."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEERS = HERE / "peers"
ENVIRONMENTS = HERE / ".environments"
CHILD_ENVIRONMENT = os.environ | {  # noqa: TID251
    "DO_NOT_TRACK": "1",
    "NML_DISABLE_USAGE_LOGGING": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONWARNINGS": "ignore",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "UV_SYSTEM_CERTS": "1",
}


@dataclass(frozen=True)
class Peer:
    """A library in an environment of its own; ``name`` is that of its files."""

    name: str
    title: str


def install(peer: Peer) -> None:
    """Make a peer's own environment as its lock file says, unless it is there."""
    environment, lock = ENVIRONMENTS / peer.name, PEERS / f"{peer.name}.lock"
    installed = environment / "installed.lock"
    if installed.is_file() and installed.read_bytes() == lock.read_bytes():
        return
    print(f"installing {peer.title} into an environment of its own ...", flush=True)
    uv = str(Path(sys.executable).with_name("uv"))
    # Lock files are whole; --no-deps keeps out what they leave out (NannyML's GPU libraries).
    for command in (
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(environment)],
        [uv, "pip", "install", "--quiet", "--no-deps", "--require-hashes",
         "--python", interpreter_of(peer), "-r", str(lock)],
    ):  # fmt: skip
        if subprocess.run(command, check=False, env=CHILD_ENVIRONMENT).returncode:
            sys.exit(f"{peer.title} cannot be installed; --without-peers measures ours alone")
    installed.write_bytes(lock.read_bytes())


def interpreter_of(peer: Peer) -> str:
    """Return the Python of a peer's environment."""
    return str(ENVIRONMENTS / peer.name / "bin" / "python")


def script_of(peer: Peer, benchmark: str) -> Path:
    """Return a peer's script for a benchmark."""
    return PEERS / f"{benchmark}_{peer.name}.py"


def python(interpreter: str, script: Path, *arguments: str) -> str:
    """Return the last line that a script prints.

    Raises:
        RuntimeError: when it fails.
    """
    done = subprocess.run(
        [interpreter, str(script), *arguments], check=False, capture_output=True, text=True, env=CHILD_ENVIRONMENT
    )
    if done.returncode:
        message = f"{script.name} ended with {done.returncode}:\n{done.stderr[-2000:]}"
        raise RuntimeError(message)
    return done.stdout.strip().rpartition("\n")[2]
