"""`outputs:` of one target, read live: what each stands for now, or why that is not known (S46)."""

from __future__ import annotations

from collections.abc import Mapping

from fcdeploy.app.bench import Bench
from fcdeploy.app.reports import OutputValue
from fcdeploy.engine.attributes import address_of, attribute_of, filled_refs, known_text, said
from fcdeploy.engine.together import together
from fcdeploy.kinds.descriptor import NEW
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import Address, Json, Live, Ref, refs_in


async def read_outputs(bench: Bench, wanted: Mapping[str, Json]) -> tuple[OutputValue, ...]:
    """The values of `outputs:`, in the order of the file. Raises ReadFailed.

    Each resource that is referred to is read once, also where its name alone would say the value: what is not there
    has none.
    """
    like = Address(provider=bench.site.target.provider, target=bench.site.target.name, kind="", identity=())
    goals = sorted({address_of(ref, like) for value in wanted.values() for ref in refs_in(value)})
    lives = dict(zip(goals, await together(_read(bench, goal) for goal in goals), strict=True))
    return tuple(_output(name, value, like, lives, bench) for name, value in wanted.items())


async def _read(bench: Bench, address: Address) -> Live | None:
    """The resource; of a series, the newest there is."""
    if kind_of(address).numbering is None:
        return await bench.reader.read_one(address)
    series = await bench.reader.read_series(address)
    return series[max(series, key=lambda one: int(one.identity[-1]))] if series else None


def _output(name: str, value: Json, like: Address, lives: Mapping[Address, Live | None], bench: Bench) -> OutputValue:
    why: list[str] = []

    def text(ref: Ref) -> str:
        goal, attribute = address_of(ref, like), attribute_of(ref, like)
        live = lives[goal]
        found = None
        if live is not None:
            found = (
                known_text(attribute, live.address, bench.site.scope, live.raw)
                if attribute.template
                else said(attribute, live)
            )
        if found is None:
            shown = goal.short.removesuffix(f"/{NEW}") if kind_of(goal).numbering is not None else goal.short
            missing = f"the service does not say {attribute.name} of {shown}"
            why.append(f"{shown} does not exist yet" if live is None else missing)
        return found or ""

    made = filled_refs(value, text)
    return OutputValue(name=name, value=None if why else made, why=why[0] if why else "")
