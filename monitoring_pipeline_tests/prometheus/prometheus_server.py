"""A real Prometheus server that scrapes one site."""

import json
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

STARTS_WITHIN_SECONDS = 60


def program(name: str) -> str:
    """Return the path of a program of Prometheus; skip the test if there is none."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name}: install the package prometheus")
    return found


@dataclass(frozen=True)
class PrometheusServer:
    """The address of a server that runs."""

    address: str

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series of an expression now: labels under ``metric``, time and value under ``value``."""
        asked = urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(f"{self.address}/api/v1/query?{asked}", timeout=30) as answer:
            return json.load(answer)["data"]["result"]

    def wait_for(self, expression: str) -> list[dict[str, Any]]:
        """Return the series of an expression as soon as it has any."""
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        while time.monotonic() < deadline:
            try:
                if found := self.query(expression):
                    return found
            except OSError:
                pass
            time.sleep(0.2)
        raise TimeoutError(expression)


@contextmanager
def running_prometheus(
    target: str, folder: Path, *, interval: str = "1s", accepts_hours: int = 0
) -> Iterator[PrometheusServer]:
    """Start a server that scrapes ``target`` each second; it stops at the end of the block.

    Samples with times of their own may be older by ``accepts_hours``.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    scraped = {"job_name": "models", "scrape_interval": interval, "static_configs": [{"targets": [target]}]}
    config: dict[str, Any] = {"scrape_configs": [scraped]}
    if accepts_hours:
        config["storage"] = {"tsdb": {"out_of_order_time_window": f"{accepts_hours}h"}}
        scraped["scrape_timeout"] = interval
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    words = [
        program("prometheus"), f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
    ]  # fmt: skip
    process = subprocess.Popen(words)
    try:
        yield PrometheusServer(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(timeout=30)
