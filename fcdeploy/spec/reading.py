"""Takes typed fields out of a rendered map of the spec, saying what is wrong with each."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from fcdeploy.diagnostics import Diagnostic, Span, did_you_mean, error
from fcdeploy.model import Sensitive
from fcdeploy.spec.node import Node, Path, path_text


class FieldReader:
    """Takes the fields of a rendered map out of it; what is wrong with one is added to `found`."""

    def __init__(
        self,
        node: Node,
        path: Path,
        found: list[Diagnostic],
        what: str = "the target",
        *,
        free: Collection[str] = (),
    ) -> None:
        """`what` is what the map is called; `free` are other names that are allowed in it (keys of a matrix)."""
        self._what = what
        self._free = free
        self._node = node
        self._path = path
        self._found = found

    def say(self, summary: str, span: Span, field: str, hint: str = "") -> None:
        """Add an error about one field."""
        self._found.append(error(summary, span=span, path=path_text((*self._path, field)), hint=hint))

    def text(self, field: str, *, required: bool = False, allowed: Sequence[str] = ()) -> str | None:
        """The text of a field; None when it is left out, or when something is wrong with it."""
        item = self._node.at([field])
        if item is None or item.value is None:
            if required:
                place = item.span if item is not None else self._node.key_span or self._node.span
                meant = next((one for one in sorted(self._free) if did_you_mean(one, [field])), "")
                hint = f"{field}: {' | '.join(allowed)}" if allowed else ""
                hint = f"the matrix has `{meant}`: {did_you_mean(meant, [field])}" if meant else hint
                self.say(f"{self._what} needs `{field}`", place, field, hint)
            return None
        value = item.value
        if isinstance(value, Sensitive):
            self.say(f"`{field}` cannot be a secret", item.span, field, "targets are printed: use env('NAME')")
            return None
        if not isinstance(value, str):
            written = item.text or str(value)
            hint = f'quote it: "{written}"' if isinstance(value, (int, float)) and not item.templated else ""
            if item.templated:
                hint = "quote the value where it is given, or convert it: `|string`"
            self.say(f"`{field}` must be text, not {item.what}", item.span, field, hint)
            return None
        if not value:
            self.say(f"`{field}` is empty", item.span, field)
            return None
        if allowed and value not in allowed:
            near = did_you_mean(value, allowed)
            hint = near or f"one of: {', '.join(allowed)}"
            self.say(f"`{field}` cannot be `{value}`", item.span, field, hint)
            return None
        return value
