"""The files of deploy/ as Docker Compose reads them, and their services as processes of this machine."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[2]
DEPLOY = REPOSITORY / "deploy"
VOLUMES = ("data", "opt/dagster/storage", "artifacts", "tmp")
"""The folders of a container that can be written: the volumes of the services, and /tmp."""
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[?-])(?P<rest>[^}]*))?\}")


class MissingVariableError(KeyError):
    """A variable that the file requires has no value."""


def filled(part: Any, variables: Mapping[str, str]) -> Any:
    """Return a part of the file with the values of its variables, by the rules of Compose."""
    if isinstance(part, dict):
        return {key: filled(value, variables) for key, value in part.items()}
    if isinstance(part, list):
        return [filled(value, variables) for value in part]
    return VARIABLE.sub(lambda found: _value(found, variables), part) if isinstance(part, str) else part


def _value(found: re.Match[str], variables: Mapping[str, str]) -> str:
    name, kind, rest = found["name"], found["kind"], found["rest"]
    if variables.get(name):
        return variables[name]
    if kind == "-":
        return rest
    raise MissingVariableError(name)


def compose_file(variables: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the content of docker-compose.yaml, with values where some are given."""
    content = yaml.safe_load((DEPLOY / "docker-compose.yaml").read_text(encoding="utf-8"))
    return content if variables is None else filled(content, variables)


def example_variables() -> dict[str, str]:
    """Return the variables of example.env."""
    lines = (DEPLOY / "example.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@dataclass(frozen=True)
class Machine:
    """One machine in place of the containers.

    Args:
        folder: the folder in place of the root of a container's file system.
        ports: the port of this machine by service and port of its container.
    """

    folder: Path
    ports: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def here(self, service: str, text: str) -> str:
        """Return an argument or a value of a service as it has to be here."""
        for (other, port), own in self.ports.items():
            text = text.replace(f"{other}:{port}", f"127.0.0.1:{own}")
            if service == other:
                text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{own}")
                text = str(own) if text == port else text
        text = text.replace("0.0.0.0", "127.0.0.1")
        return re.sub(r"^/(opt/dagster|data|specs|artifacts)\b", rf"{self.folder}/\1", text)

    def command(self, name: str, words: list[str]) -> list[str]:
        """Return a command of a service for this machine."""
        return [self.here(name, word) for word in words]

    def environment(self, name: str, service: Mapping[str, Any]) -> dict[str, str]:
        """Return the environment of a service: that of the image, and its own."""
        given = {**image_environment(), **service.get("environment", {})}
        return {key: self.here(name, value) for key, value in given.items() if key != "PATH"}


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile, each with its arguments."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def image_environment() -> dict[str, str]:
    """Return the variables that the image sets."""
    return dict(part.split("=", 1) for word, rest in instructions() if word == "ENV" for part in shlex.split(rest))


def in_container(folder: Path, command: list[str]) -> list[str]:
    """Return a command that runs another one without rights, in a file system where only VOLUMES can be written."""
    script = str(Path(__file__).parent / "container.sh")
    namespaces = ["unshare", "--user", "--map-root-user", "--mount"]
    return [*namespaces, "sh", script, str(folder), *VOLUMES, "--", *command]
