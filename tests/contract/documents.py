"""The contract as data: its JSON blocks, addresses and endpoints.

Reads our reference page, where a comment before each block names endpoint and direction, and documents in the older
form, where the heading names the endpoint and a bold line the direction.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference" / "websocket-contract.md"
ORIGINAL = ROOT.parent / "shared" / "websocket-contract.md"
DOCUMENTS = [path for path in (REFERENCE, ORIGINAL) if path.exists()]

EVERY_ENDPOINT = "*"
_COMMENT = re.compile(r"^<!-- message: (?P<endpoint>\S+) (?P<direction>in|out) -->$")
_HEADING = re.compile(r"^#+ (?:`(?P<endpoint>/ws/[^`]+)`)?")
_DIRECTION = re.compile(r"^\*\*(?P<direction>Inbound|Outbound) Messages")
_ALTERNATIVES = re.compile(r'"(\w+(?:\|\w+)+)"')
_ADDRESS = re.compile(r"wss?://[^\s'\"`$…]+")
FILLING = '{"folder": "inbox", "limit": 30}'


@dataclass(frozen=True)
class Block:
    """One JSON block with its place and its direction."""

    document: str
    line: int
    endpoint: str
    direction: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line} {self.endpoint} {self.direction}"

    def variants(self) -> Iterator[str]:
        """The JSON text for each combination of `a|b` alternatives, with `{ ... }` filled in."""
        text = self.text.replace("{ ... }", FILLING)
        pieces = _ALTERNATIVES.split(text)
        choices = [piece.split("|") for piece in pieces[1::2]]
        for chosen in itertools.product(*choices):
            quoted = [f'"{choice}"' for choice in chosen]
            yield "".join(itertools.chain(*itertools.zip_longest(pieces[::2], quoted, fillvalue="")))


@dataclass(frozen=True)
class Address:
    """One WebSocket address of a document: its path and the names of its parameters."""

    document: str
    path: str
    parameters: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return f"{self.document} {self.path}?{'&'.join(name for name, _ in self.parameters)}"


def blocks_of(document: Path) -> list[Block]:
    """Every JSON block of a document.

    Raises:
        ValueError: a block without an endpoint and a direction.
    """
    blocks: list[Block] = []
    endpoint, direction, announced = "", "", False
    lines = iter(enumerate(document.read_text(encoding="utf-8").splitlines(), 1))
    for number, line in lines:
        if found := _COMMENT.match(line):
            endpoint, direction, announced = found["endpoint"], found["direction"], True
        elif found := _HEADING.match(line):
            endpoint, direction = found["endpoint"] or EVERY_ENDPOINT, "out"
        elif found := _DIRECTION.match(line):
            direction = {"Inbound": "in", "Outbound": "out"}[found["direction"]]
        elif line == "```json":
            body = [text for _, text in itertools.takewhile(lambda item: item[1] != "```", lines)]
            if document == REFERENCE and not announced:
                raise ValueError(f"{document.name}:{number}: no `<!-- message: ENDPOINT in|out -->` before this block")
            blocks.append(Block(document.parent.name, number, endpoint, direction, "\n".join(body)))
            announced = False
    return blocks


def addresses_of(document: Path) -> list[Address]:
    """Every WebSocket address with a path in a document."""
    parts = [urlsplit(text) for text in _ADDRESS.findall(document.read_text(encoding="utf-8"))]
    found = (
        Address(document.parent.name, part.path, tuple(parse_qsl(part.query, keep_blank_values=True)))
        for part in parts
        if part.path not in ("", "/")
    )
    return list(dict.fromkeys(found))


def endpoints_of(document: Path) -> list[str]:
    """The path of every endpoint that has a heading."""
    headings = (_HEADING.match(line) for line in document.read_text(encoding="utf-8").splitlines())
    return [found["endpoint"] for found in headings if found and found["endpoint"]]


BLOCKS = [block for document in DOCUMENTS for block in blocks_of(document)]
ADDRESSES = [address for document in DOCUMENTS for address in addresses_of(document)]
ENDPOINTS = list(dict.fromkeys(endpoint for document in DOCUMENTS for endpoint in endpoints_of(document)))
