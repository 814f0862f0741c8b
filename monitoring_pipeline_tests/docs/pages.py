"""The pages that users and developers read, and their code blocks."""

import re
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "benchmarks/README.md",
    *sorted(str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "docs").rglob("*.md")),
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    language: str
    text: str


def read_page(page: str) -> str:
    """Return the text of a page, named from the repository's top."""
    return (REPOSITORY / page).read_text(encoding="utf-8")


def blocks_of(language: str) -> list[Block]:
    """Return the blocks of all pages in that language, in the order of PAGES."""
    return [block for block in all_blocks() if block.language == language]


def all_blocks() -> list[Block]:
    """Return every fenced block of all pages."""
    return [Block(page, language, text) for page in PAGES for language, text in FENCE.findall(read_page(page))]
