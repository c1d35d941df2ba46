"""Which request of a log had to wait for which: the order of dependence. Pure.

A request waits for another only if that one was answered before it arrived, and if one of these holds:

- it is the next page of the same list: it carries the token that the other's reply gave;
- it asks for a resource that the other, a list, showed, or for what lies below that;
- it touches a resource, or what lies below it, that the other wrote;
- it writes a resource that the other read: itself, what lies below it, or the list that it stands in;
- it deletes a resource below which the other wrote;
- its If-Match is the ETag that the other's reply brought.

Everything else may leave at once, whenever the command that was measured sent it.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import parse_qsl

from bench_emulator import Record

_NAMES: Mapping[str, str] = {
    "services": "serviceName",
    "functions": "functionName",
    "triggers": "triggerName",
    "aliases": "aliasName",
    "custom-domains": "domainName",
}
"""By the last part of a list's path, the word that names what is in it."""


def needs_of(records: Sequence[Record]) -> list[frozenset[int]]:
    """For each record, which others had to be answered before it could be sent; all stand before it in the list.

    `records` are in order of their arrival and recorded whole.
    """
    log = _Log(records)
    return [log.take(number) for number in range(len(records))]


def etag_sources(records: Sequence[Record]) -> list[int | None]:
    """For each record, the one whose reply brought the ETag that it sends as If-Match; None where it sends none."""
    brought: dict[tuple[str, str], int] = {}
    sources = []
    for number, record in enumerate(records):
        sources.append(brought.get((_place(record), record.headers.get("if-match", ""))))
        if record.etag:
            brought[_place(record), record.etag] = number
    return sources


class _Log:
    """What of the log stands before a record, by the paths that it concerns."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records
        self._etags = etag_sources(records)
        self._tokens: dict[tuple[str, str, str], int] = {}
        self._shown: dict[tuple[str, str], int] = {}
        self._reads: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._reads_below: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._writes: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._writes_below: dict[tuple[str, str], list[int]] = defaultdict(list)

    def take(self, number: int) -> frozenset[int]:
        """What this record waits for; it is known to those after it from now on."""
        record = self._records[number]
        found = set(self._write_needs(record) if record.writes else self._read_needs(record))
        etag = self._etags[number]
        if etag is not None:
            found.add(etag)
        self._remember(number, record)
        return frozenset(each for each in found if self._records[each].answered <= record.arrived)

    def _read_needs(self, record: Record) -> Iterator[int]:
        place = _place(record)
        token = dict(parse_qsl(record.query)).get("nextToken")
        if token is not None:
            page = self._tokens.get((place, _list_of(record), token))
            if page is not None:
                yield page
        for path in (record.path, *_above(record.path)):
            yield from self._writes[place, path]
            if (place, path) in self._shown:
                yield self._shown[place, path]

    def _write_needs(self, record: Record) -> Iterator[int]:
        place, path = _place(record), written_path(record)
        for each in (path, *_above(path)):
            yield from self._writes[place, each]
        yield from self._reads[place, path]
        yield from self._reads_below[place, path]
        yield from self._reads[place, path.rpartition("/")[0]]
        if record.method == "DELETE":
            yield from self._writes_below[place, path]

    def _remember(self, number: int, record: Record) -> None:
        place = _place(record)
        if record.writes:
            path = written_path(record)
            self._writes[place, path].append(number)
            for each in _above(path):
                self._writes_below[place, each].append(number)
            return
        self._reads[place, record.path].append(number)
        for each in _above(record.path):
            self._reads_below[place, each].append(number)
        for name in names_shown(record):
            self._shown.setdefault((place, f"{record.path}/{name}"), number)
        token = re.search(r'"nextToken":"([^"]+)"', record.reply)
        if token is not None:
            self._tokens[place, _list_of(record), token[1]] = number


def written_path(record: Record) -> str:
    """The path of the resource that a write is about: of what it creates, and of what it puts tags on."""
    if record.method != "POST" or not record.body:
        return record.path
    body = json.loads(record.body)
    arn = body.get("resourceArn")
    if isinstance(arn, str):
        return f"/{record.path.split('/')[1]}/{arn.rpartition(':')[2]}"
    name = body.get(_NAMES.get(record.path.rpartition("/")[2], ""))
    return f"{record.path}/{name}" if isinstance(name, str) else record.path


def names_shown(record: Record) -> list[str]:
    """The names of what a list's reply holds."""
    word = _NAMES.get(record.path.rpartition("/")[2])
    return [] if word is None else re.findall(rf'"{word}":"([^"]+)"', record.reply)


def _above(path: str) -> list[str]:
    """The resources and lists that a path lies below, the nearest first; the API's version is none of them."""
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(len(parts) - 1, 2, -1)]


def _list_of(record: Record) -> str:
    """A list with what it is asked for, whatever the page."""
    asked = sorted((name, value) for name, value in parse_qsl(record.query) if name != "nextToken")
    return f"{record.path}?{asked}"


def _place(record: Record) -> str:
    """The account and region that a request is for: one knows nothing of another."""
    return record.headers.get("host", "")
