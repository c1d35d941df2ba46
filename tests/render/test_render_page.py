"""The report as a page: it loads nothing, runs its own script only, and no text is markup."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from fcdeploy.diagnostics import Span, error
from fcdeploy.model import Action, Address, Change, Ending, FieldChange, Outcome, Plan, Sensitive, Target
from fcdeploy.render.report import error_html, report_html
from fcdeploy.render.report_time import timeline_html
from fcdeploy.render.views import OutcomeView, OutputsView, OutputView, PlansView, PlanView

SECRET = "hunter2-Zx9"
NASTY = (
    '</script><script>alert(1)</script><img src=x onerror=alert(1)> " onload="x\' & \u202e\x1b[31m\n</pre></details>'
)


class Outside(HTMLParser):
    """Every tag with its attributes, and whether all that was opened is closed in order."""

    VOID = ("meta", "link", "input", "path", "rect", "br")

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.stack: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag


def read(page: str) -> Outside:
    found = Outside()
    found.feed(page)
    assert found.stack == []
    return found


def pages(text: str) -> list[str]:
    target = Target(name=text, provider=text, region=text)
    address = Address(provider="alibaba", target=text, kind="function", identity=("images", text))
    fields = (
        FieldChange(path=text, before=text, after={text: [text], "b": text}, note=text),
        FieldChange(path="t", before=f"{text}\nx", after=f"{text}\ny"),
        FieldChange(path="s", before=SECRET, after={"k": Sensitive(SECRET, parts=())}, before_hidden=True),
    )
    change = Change(address=address, action=Action.UPDATE, reason=text, fields=fields)
    found = error(text, detail=text, hint=text, span=Span(file=text, line=1, column=1))
    plan = Plan(project=text, target=target, changes=(change,), steps=(), warnings=(found,))
    view = PlansView(project=text, plans=(PlanView(target=target, plan=plan, problems=(found,)),), diagnostics=(found,))
    outcome = Outcome(run=text, target=text, ending=Ending.FAILED, durations={text: 1.0}, diagnostics=(found,))
    views = (OutcomeView(outcome=outcome, code=1, titles={text: text}),)
    values = (OutputView(name=text, value=text), OutputView(name="s", value=Sensitive(SECRET, parts=())))
    given = (OutputsView(target=target, values=values),)
    return [
        report_html(view, None),
        report_html(view, None, views, exit_code=1, outputs=given),
        error_html(text, (found,)),
    ]


def visible(page: str) -> list[str]:
    """The tags, but for how a long value is broken into the lines of a diff."""
    body = re.sub(r'<pre class="diff">.*?</pre>', "<pre></pre>", page, flags=re.S)
    return [tag for tag, _ in read(body).tags]


def test_no_text_is_markup_and_nothing_is_loaded() -> None:
    for nasty, plain in zip(pages(NASTY), pages("plain"), strict=True):
        assert visible(nasty) == visible(plain)
        assert SECRET not in nasty
        for tag, attributes in read(nasty).tags:
            assert tag not in ("img", "iframe", "object", "base", "form")
            assert not [name for name in attributes if name.startswith("on") or name == "src"]
            assert (attributes.get("href") or "#").startswith(("#", "data:,"))
        assert set(re.findall(r"https?://[^\s\"'<]+", nasty)) <= {"http://www.w3.org/2000/svg"}
        assert "@import" not in nasty and "url(" not in nasty
        assert all(sign.isprintable() or sign == "\n" for sign in nasty)


def test_the_policy_runs_the_pages_own_script_only() -> None:
    (page, *_) = pages("plain")
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.S)
    checksum = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = [one["content"] for tag, one in read(page).tags if tag == "meta" and "http-equiv" in one]
    assert policy is not None
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{checksum}'" in policy


@pytest.mark.parametrize(("number", "drawn"), [(3, 3), (320, 300)])
def test_of_many_steps_the_longest_are_drawn(number: int, drawn: int) -> None:
    outcome = Outcome(run="r", target="dev", ending=Ending.DONE, durations={f"s{n}": n / 10 for n in range(number)})
    text = "\n".join(timeline_html(OutcomeView(outcome=outcome, code=0), None))
    assert text.count('<div class="bar">') == drawn
    assert f"s{number - 1} " in text
    assert ("20 quicker steps not drawn." in text) is (number > drawn)


def test_a_run_without_times_has_no_picture_of_them() -> None:
    outcome = Outcome(run="r", target="dev", ending=Ending.DONE)
    assert list(timeline_html(OutcomeView(outcome=outcome, code=0), None)) == []
