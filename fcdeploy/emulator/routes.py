"""The table of operations: which method and path calls what, and how much of it is emulated, from where."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from fcdeploy.emulator.exchange import Reply, Request

ANY = "*"  # the method of a route that takes every method


class Extent(StrEnum):
    """How much of an operation is emulated."""

    WHOLE = "whole"
    PARTIAL = "partial"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What stands behind an operation: ``missing`` says what a partial one lacks; ``choices`` are the unknowns and
    how they were decided; ``sources`` is where its rules were read.
    """

    extent: Extent = Extent.WHOLE
    missing: str = ""
    sources: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation of one API. ``template`` starts after the version; ``{}`` is a parameter, ``{*}`` (at the end) is
    the rest of the path, with its slashes and possibly empty.

    ``kind`` names the stored kind whose rows are addressed by the path parameters (the last is the name, the ones
    before it the parent); the *touch* fault uses it. ``address`` overrides that rule.
    """

    operation: str
    method: str
    template: str
    call: Callable[[Request], Reply]
    versions: tuple[str, ...]
    kind: str = ""
    address: Callable[[Request], tuple[str, str]] | None = None
    coverage: Coverage = field(default_factory=Coverage)


class _Node:
    __slots__ = ("literal", "methods", "parameter", "rest")

    def __init__(self) -> None:
        self.literal: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.methods: dict[str, Route] = {}
        self.rest: _Node | None = None


class RouteTable:
    """All routes of all versions, compiled into a tree of path segments; a lookup touches each segment once."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        self.routes = tuple(routes)
        for route in self.routes:
            for version in route.versions:
                self._add(version, route)

    def _add(self, version: str, route: Route) -> None:
        node = self._root.literal.setdefault(version, _Node())
        for segment in route.template.strip("/").split("/"):
            if segment == "{}":
                if node.parameter is None:
                    node.parameter = _Node()
                node = node.parameter
            elif segment == "{*}":
                node.rest = node = node.rest or _Node()
            else:
                node = node.literal.setdefault(segment, _Node())
        if route.method in node.methods:
            raise ValueError(f"two routes for {route.method} {route.template} in {version}")
        node.methods[route.method] = route

    def find(self, method: str, segments: list[str]) -> tuple[Route, tuple[str, ...]] | None:
        """Return the route and its still encoded parameters, or None; an empty segment never matches."""
        node = self._root
        params: list[str] = []
        for place, segment in enumerate(segments):
            following = node.literal.get(segment)
            if following is None and node.rest is not None:
                params.append("/".join(segments[place:]))
                node = node.rest
                break
            if following is None:
                following = node.parameter
                if following is None or not segment:
                    return None
                params.append(segment)
            node = following
        route = node.methods.get(method) or node.methods.get(ANY)
        return None if route is None else (route, tuple(params))
