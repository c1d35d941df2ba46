"""What of a promise is found in a reply as it stands there needs no canonical form: the verdict is the same (S21)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fcdeploy.engine.canonical import desired_body, live_body, unlike_raw
from fcdeploy.engine.threeway import unfulfilled
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.kinds.registry import KINDS
from fcdeploy.model import Json

API = {"alibaba": "2021-04-06", "huawei": "v2"}
WORDS = sorted(
    {
        word
        for kind in KINDS.values()
        for field in kind.fields
        for default in field.defaults
        for words in default.when.values()
        if isinstance(words, tuple)
        for word in words
        if isinstance(word, str)
    }
)
LEAVES = st.one_of(
    st.sampled_from([None, "", "text", 0, 1, 128, 1.0, True, False]),
    st.sampled_from(WORDS),
)
VALUES: st.SearchStrategy[Json] = st.one_of(
    LEAVES,
    st.lists(LEAVES, max_size=2),
    st.dictionaries(st.sampled_from(["checksum", "type", "enable", "vpcId", "key"]), LEAVES, max_size=2),
)


@st.composite
def promised_and_told(draw: st.DrawFn) -> tuple[Kind, dict[str, Json], dict[str, Json]]:
    """A kind, what a file gives of it, and a reply that repeats much of its canonical form."""
    every = [one for _, one in sorted(KINDS.items()) if one.writable(API[one.provider])]
    kind = draw(st.sampled_from(every))
    names = [one.name for one in kind.writable(API[kind.provider])]
    promise = desired_body(kind, draw(st.dictionaries(st.sampled_from(names), VALUES, max_size=6)), API[kind.provider])
    told = {name: value for name, value in promise.items() if draw(st.integers(0, 5))}
    return kind, promise, told | draw(st.dictionaries(st.sampled_from(names), VALUES, max_size=2))


@given(promised_and_told())
def test_what_is_left_to_compare_gives_the_same_verdict(case: tuple[Kind, dict[str, Json], dict[str, Json]]) -> None:
    kind, promise, told = case
    api = API[kind.provider]
    left = unlike_raw(kind, promise, told)
    whole = unfulfilled(kind, promise, live_body(kind, told, api))
    assert unfulfilled(kind, left, live_body(kind, told, api, left)) == whole


def test_what_is_not_set_may_be_something_by_the_rest_of_the_body() -> None:
    """The reply says nothing of the memory, and of the kind of instance that there is no default for it."""
    function = KINDS[("alibaba", "function")]
    assert unlike_raw(function, {"memorySize": None, "description": ""}, {"description": ""}) == {"memorySize": None}
