"""The HTML report in a browser: no error, no request, all by keyboard, every change found, quick, dark and light."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from browser import Page, opened_page

from fcdeploy.diagnostics import error
from fcdeploy.model import Action, Address, Change, Edge, Ending, FieldChange, Graph, Need, Outcome, Plan, Target
from fcdeploy.render.report import error_html, report_html
from fcdeploy.render.views import GraphView, OutcomeView, PlansView, PlanView

pytestmark = pytest.mark.browser

SECONDS = 2.0
"""A page of 1,000 changes is there and has answered a search."""

ACTIONS = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE)
NASTY = "<img src=http://127.0.0.1:9/x onerror=alert(1)><script>alert(2)</script>'\"&"


def address(*identity: str) -> Address:
    return Address(
        provider="alibaba", target="dev", kind="service" if len(identity) == 1 else "function", identity=identity
    )


def report(number: int, *, note: str = "") -> str:
    """A plan of so many changes in one service, carried out."""
    target = Target(name="dev", provider="alibaba", region="cn-hangzhou")
    service = address("images")
    nodes = [address("images", f"f{place:04}") for place in range(number)]
    changes = tuple(
        Change(
            address=node,
            action=ACTIONS[place % 4],
            reason=note or "differs from the file",
            fields=(
                FieldChange(path="memorySize", before=place, after=place + 1),
                FieldChange(path="environmentVariables", before={"A": note}, after={"A": f"marker-{place:04}"}),
                FieldChange(path="description", before="a\nb", after="a\nc"),
            ),
        )
        for place, node in enumerate(nodes)
    )
    plan = Plan(project="shop", target=target, changes=changes, steps=(), unchanged=1)
    edges = tuple(Edge(source=node, goal=service, need=Need.PARENT) for node in nodes)
    graph = GraphView(project="shop", graphs=((target, Graph(nodes=tuple(sorted((service, *nodes))), edges=edges)),))
    problems = (error(note, detail=note, hint=note, path=note),) if note else ()
    view = PlansView(project=note or "shop", plans=(PlanView(target=target, plan=plan, problems=problems),))
    outcome = Outcome(run="r1", target="dev", ending=Ending.DONE, durations={f"{note} {n}": n / 10 for n in range(20)})
    return report_html(view, graph, (OutcomeView(outcome=outcome, code=0),))


def browsed(folder: Path, text: str, act: Callable[[Page], Awaitable[None]]) -> None:
    """Do something with the page, and see that it said nothing wrong and asked for nothing."""
    path = folder / "report.html"
    path.write_text(text, encoding="utf-8")

    async def whole() -> None:
        async with opened_page(folder / "profile") as page:
            await page.open(path)
            await act(page)
            assert page.troubles == []
            assert [one for one in page.requests if not one.startswith("data:")] == [path.as_uri()]

    asyncio.run(whole())


SHOWN = "[...document.querySelectorAll('.change')].filter(one => !one.hidden).length"


def test_every_change_of_a_thousand_is_found_and_the_page_is_quick(
    tmp_path: Path, figure: Callable[[str], None]
) -> None:
    async def act(page: Page) -> None:
        loaded = await page.ask("performance.getEntriesByType('navigation')[0].loadEventEnd")
        found = await page.ask("""(() => {
            const search = document.querySelector("input[type=search]");
            const missed = [];
            let first = 0;
            for (let place = 0; place < 1000; place++) {
                const began = performance.now();
                search.value = "marker-" + String(place).padStart(4, "0");
                search.dispatchEvent(new Event("input"));
                if (!place) { document.body.offsetHeight; first = performance.now() - began; }
                const shown = [...document.querySelectorAll(".change")].filter(one => !one.hidden);
                const right = shown.length === 1 && shown[0].open && shown[0].textContent.includes(search.value);
                if (!right) missed.push(place);
            }
            search.value = "";
            search.dispatchEvent(new Event("input"));
            return {missed, first};
        })()""")
        assert found["missed"] == []
        assert await page.ask(SHOWN) == 1000
        whole = (loaded + found["first"]) / 1000
        figure(f"a report of 1,000 changes: loaded after {loaded / 1000:.2f} s, searched after {whole:.2f} s")
        assert whole < SECONDS

    browsed(tmp_path, report(1000), act)


def test_the_page_is_worked_by_keyboard(tmp_path: Path) -> None:
    async def act(page: Page) -> None:
        seen: list[str] = []
        for _ in range(60):
            await page.press("Tab")
            seen.append(
                await page.ask(
                    "document.activeElement.closest('.node, .change, .tools, .skip')?.classList[0]"
                    " ?? document.activeElement.tagName"
                )
            )
        assert {"skip", "tools", "node", "change"} <= set(seen), seen
        await page.ask("document.activeElement.blur()")
        await page.press("/", text="/")
        await page.until("document.activeElement.type === 'search'")
        await page.send("Input.insertText", text="MARKER-0003 delete")
        await page.until(f"{SHOWN} === 1")
        await page.until("document.querySelector('.tools output').textContent === '1 of 8 shown'")
        await page.press("Escape")
        await page.until(f"{SHOWN} === 8")
        await page.ask("document.querySelector('input[value=delete]').focus()")
        await page.press(" ", text=" ")
        await page.until(f"{SHOWN} === 6")
        await page.ask("document.querySelector('.change summary').focus()")
        before = await page.ask("document.querySelector('.change').open")
        await page.press("Enter", text="\r")
        await page.until(f"document.querySelector('.change').open === {'false' if before else 'true'}")
        await page.ask("document.querySelector('.node.delete').focus()")
        await page.press("Enter", text="\r")
        # Itself, its service and the line between them.
        await page.until("document.querySelectorAll('svg .near').length === 3")
        await page.ask("document.querySelector('.picked-link a').focus()")
        await page.press("Enter", text="\r")
        await page.until("document.querySelector('.change.picked') !== null")
        picked = "document.querySelector('.change.picked')"
        assert await page.ask(f"{picked}.dataset.action + {picked}.open + {picked}.hidden") == "deletetruefalse"

    browsed(tmp_path, report(8), act)


def test_it_fits_every_screen_in_light_and_dark_and_on_paper(tmp_path: Path) -> None:
    pictures = os.environ.get("FCDEPLOY_PICTURES")

    async def act(page: Page) -> None:
        for width in (400, 1400):
            colours = set()
            for dark in (False, True):
                await page.look(width=width, dark=dark)
                assert await page.ask("document.documentElement.scrollWidth") <= width
                colours.add(await page.ask("getComputedStyle(document.body).backgroundColor"))
                if pictures:
                    await page.write_picture(Path(pictures) / f"report-{width}-{'dark' if dark else 'light'}.png")
            assert colours == {"rgb(255, 255, 255)", "rgb(20, 23, 28)"}
        await page.send("Emulation.setEmulatedMedia", media="print")
        await page.ask("dispatchEvent(new Event('beforeprint'))")
        assert await page.ask("document.querySelectorAll('details:not([open])').length") == 0
        assert await page.ask("getComputedStyle(document.querySelector('.tools')).display") == "none"
        assert await page.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        await page.ask("dispatchEvent(new Event('afterprint'))")
        assert (await page.send("Page.printToPDF"))["data"]

    browsed(tmp_path, report(40), act)


@pytest.mark.parametrize(
    "text", [report(4, note=NASTY), error_html("plan", (error(NASTY, detail=NASTY),))], ids=["report", "error"]
)
def test_no_text_acts(tmp_path: Path, text: str) -> None:
    async def act(page: Page) -> None:
        assert await page.ask("document.querySelectorAll('img').length") == 0
        assert await page.ask("document.scripts.length") <= 1
        assert NASTY in await page.ask("document.body.textContent")

    browsed(tmp_path, text, act)
