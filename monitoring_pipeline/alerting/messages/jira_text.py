"""From messages to the texts of Jira: documents of its version 3, and the wiki markup of its version 2.

https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
"""

import re
from collections.abc import Sequence
from typing import Any

from monitoring_pipeline.alerting.messages.markup import one_line
from monitoring_pipeline.alerting.messages.messages import Message

SUMMARY_CHARACTERS = 254
LINE_CHARACTERS = 2000
"""Jira takes 32,767 characters in a text; a message has about a dozen lines."""

Node = dict[str, Any]


def summary(message: Message) -> str:
    """Return the title in one line of at most 254 characters."""
    return one_line(message.title, SUMMARY_CHARACTERS)


def document(message: Message, key: str, *, whole: bool) -> Node:
    """Return a message as a document of the Atlassian Document Format.

    Args:
        message: the message.
        key: the name of the message, by which it is found again.
        whole: whether facts, commands and links belong into it as well as what happened and the evidence.
    """
    facts = [[_text(f"{label}: {value}")] for label, value in message.facts]
    commands = [
        [_text(f"{label}:"), {"type": "text", "text": " "}, _text(command, "code")]
        for label, command in message.commands
    ]
    links = [[_link(label, address)] for label, address in message.links]
    content = [_paragraph([_text(message.happened)])]
    if whole:
        content += _section("How it stands", facts)
    content += _section(message.lines_are, [[_text(line)] for line in message.lines])
    if whole:
        content += [*_section("Answer", commands), *_section("See", links)]
    return {"type": "doc", "version": 1, "content": [*content, _paragraph([_text(footer(key), "em")])]}


def wiki(message: Message, key: str, *, whole: bool) -> str:
    """Return a message in the wiki markup of Jira Server and Data Center; the arguments are those of ``document``."""
    parts = [_plain(message.happened)]
    if whole:
        parts.append(_wiki_section("How it stands", [_plain(f"{label}: {value}") for label, value in message.facts]))
    parts.append(_wiki_section(message.lines_are, [_plain(line) for line in message.lines]))
    if whole:
        commands = [f"{_plain(label)}: {{noformat}}{command}{{noformat}}" for label, command in message.commands]
        links = [
            f"[{_plain(label)}|{address.replace('|', '%7C').replace(']', '%5D')}]" for label, address in message.links
        ]
        parts += [_wiki_section("Answer", commands), _wiki_section("See", links)]
    return "\n\n".join([part for part in parts if part] + [_plain(footer(key))])


def footer(key: str) -> str:
    """Return the last line of every text, which contains the name of the message."""
    return f"Message {key} of monitoring_pipeline"


def _text(text: str, mark: str = "") -> Node:
    node: Node = {"type": "text", "text": one_line(text, LINE_CHARACTERS) or "-"}
    return node | {"marks": [{"type": mark}]} if mark else node


def _link(label: str, address: str) -> Node:
    return {"type": "text", "text": label, "marks": [{"type": "link", "attrs": {"href": address}}]}


def _paragraph(content: list[Node]) -> Node:
    return {"type": "paragraph", "content": content}


def _section(title: str, lines: Sequence[list[Node]]) -> list[Node]:
    if not lines:
        return []
    items = [{"type": "listItem", "content": [_paragraph(line)]} for line in lines]
    heading = {"type": "heading", "attrs": {"level": 3}, "content": [_text(title)]}
    return [heading, {"type": "bulletList", "content": items}]


def _wiki_section(title: str, lines: Sequence[str]) -> str:
    return "\n".join([f"h3. {title}", *(f"* {line}" for line in lines)]) if lines else ""


def _plain(text: str) -> str:
    """Escape the markup; a dash is markup only before a word."""
    line = one_line(text, LINE_CHARACTERS)
    return re.sub(r"([\\{}\[\]*_~^+?!|#]|(?<!\S)-(?=\S))", r"\\\1", line)
