"""The README's commands, typed as a user types them."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
README = (REPOSITORY / "README.md").read_text()
COMMANDS = [line for block in re.findall(r"```bash\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]


def type_command(command: str, folder: Path, **environment: str) -> str:
    """Run a command of the README as a user would, and return what it prints."""
    typed = command.replace(".venv/bin/", f"{Path(sys.executable).parent}/")
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "SSL_CERT_FILE") if name in os.environ}
    result = subprocess.run(
        shlex.split(typed),
        env={**kept, "HOME": str(folder), **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def monitoring_commands(about: str) -> list[str]:
    """Return the README's commands of the package itself that are about something."""
    return [c for c in COMMANDS if "monitoring-pipeline" in c and about in c]
