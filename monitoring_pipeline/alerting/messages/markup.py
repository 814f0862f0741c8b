"""From messages to the markup of channels: Slack's blocks and Markdown."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from monitoring_pipeline.alerting.messages.messages import Message

# Limits of https://docs.slack.dev/reference/block-kit/blocks and of chat.postMessage.
HEADER_CHARACTERS = 150
SECTION_CHARACTERS = 3000
FIELD_CHARACTERS = 2000
FIELDS_PER_SECTION = 10
BLOCKS = 50

Block = dict[str, Any]


def slack_blocks(message: Message) -> list[Block]:
    """Return a message as Slack's blocks, within their limits."""
    blocks: list[Block] = [
        {
            "type": "header",
            "text": {"type": "plain_text", "emoji": True, "text": one_line(message.headline, HEADER_CHARACTERS)},
        },
        _section(escaped(message.happened)),
    ]
    if message.facts:
        blocks.append({"type": "section", "fields": [_field(*fact) for fact in message.facts[:FIELDS_PER_SECTION]]})
    blocks += [_section(text) for text in _packed([f"• {escaped(line)}" for line in message.lines])]
    if message.commands:
        blocks.append(_section("\n".join(f"{label}: `{escaped(command)}`" for label, command in message.commands)))
    if message.links:
        blocks.append(_section(" · ".join(_link(*link) for link in message.links)))
    return blocks[:BLOCKS]


def slack_reply(message: Message) -> list[Block]:
    """Return the reply in an incident's thread about an event, with the evidence."""
    evidence = _packed([f"• {escaped(line)}" for line in message.lines])
    return [_section(slack_text(message)), *map(_section, evidence)][:BLOCKS]


def slack_text(message: Message) -> str:
    """Return the text that Slack shows in places without blocks, such as notifications."""
    return clipped(f"{message.mark} {escaped(message.title)}\n{escaped(message.happened)}", SECTION_CHARACTERS)


def escaped(text: str) -> str:
    """Escape links, mentions and entities of Slack, and prevent names from becoming markup.

    The three entities: https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # A zero-width space between takes the meaning from *bold*, _italic_, ~struck~ and `code`, and is not seen.
    return re.sub(r"(?<!\w)[*_~`]|[*_~`](?!\w)", lambda found: f"\u200b{found[0]}\u200b", plain)


def clipped(text: str, most: int) -> str:
    """Return a text of at most so many characters; no entity is cut in two."""
    if len(text) <= most:
        return text
    return re.sub(r"&[a-z]*$", "", text[: most - 1]) + "…"


def one_line(text: str, most: int) -> str:
    """Return a text in one line, clipped."""
    return clipped(" ".join(text.split()), most)


def markdown(message: Message) -> str:
    """Return a message's body in Markdown."""
    paragraphs = [
        _literal(message.happened),
        _listed("How it stands", [f"{label}: {_literal(value)}" for label, value in message.facts]),
        _listed(message.lines_are, [_literal(line) for line in message.lines]),
        _listed("Answer", [f"{label}: `{command}`" for label, command in message.commands]),
        # The address itself: as plain text, all that is left of a link is its label.
        _listed("See", [f"{label}: <{_address(address)}>" for label, address in message.links]),
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _literal(text: str) -> str:
    """Escape the markup of Markdown and HTML."""
    return re.sub(r"([\\`*_\[\]<>])", r"\\\1", " ".join(text.split()))


def _listed(title: str, lines: Sequence[str]) -> str:
    return "\n".join([f"**{title}**\n", *(f"- {line}" for line in lines)]) if lines else ""


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": clipped(text, SECTION_CHARACTERS) or "-"}}


def _field(label: str, value: str) -> Block:
    return {"type": "mrkdwn", "text": clipped(f"*{label}*\n{escaped(value)}", FIELD_CHARACTERS)}


def _link(label: str, address: str) -> str:
    return f"<{_address(address).replace('&', '&amp;').replace('|', '%7C')}|{label}>"


def _address(address: str) -> str:
    return address.replace("<", "%3C").replace(">", "%3E").replace(" ", "%20")


def _packed(lines: Sequence[str]) -> Iterator[str]:
    """Join lines into as few texts as fit into sections."""
    text = ""
    for line in (clipped(line, SECTION_CHARACTERS) for line in lines):
        if text and len(text) + 1 + len(line) > SECTION_CHARACTERS:
            yield text
            text = ""
        text = f"{text}\n{line}" if text else line
    if text:
        yield text
