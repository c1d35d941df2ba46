"""The sandbox of templates that make a whole file: what `sandbox` allows, with statements, macros and other files.

Every piece of what it makes knows where it was written. Imports jinja2; import it late.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from jinja2 import BaseLoader, Environment, nodes
from jinja2.environment import TemplateModule
from jinja2.exceptions import TemplateNotFound, TemplateSyntaxError
from jinja2.runtime import BlockReference, Context, LoopContext, Macro, Undefined
from jinja2.utils import Namespace

from fcdeploy.diagnostics import Span, did_you_mean
from fcdeploy.model import Json
from fcdeploy.spec.filters import TEXT_FILTERS
from fcdeploy.spec.node import kind_of
from fcdeploy.spec.sandbox import FAULTS, Sandbox
from fcdeploy.spec.text_compiler import At, TextCompiler, TextLexer
from fcdeploy.spec.traced import Run, Source, Traced, together
from fcdeploy.spec.values import Evaluation, Function, Meter, Names, TemplateFault, to_text

TEXT_WORK = 300_000
"""What the rendering of one file may do: pieces written, items of loops, elements visited in expressions."""
MAX_MADE = 4 * 1024 * 1024
"""Characters that one file may be rendered to."""
MAX_TOKENS = 100_000
"""Words and signs of all templates of one file."""
MAX_RANGE = 10_000
MAX_CALLS = 50
"""How deep macros may call each other."""

ReadTemplate = Callable[[str], str]
"""Takes the name of a template, as messages call it, and gives its text. Raises TemplateFault, and KeyError where there
is no such file."""

_LOOP = (
    *("index", "index0", "revindex", "revindex0", "first", "last", "length"),
    *("depth", "depth0", "previtem", "nextitem"),
)
_POSITION = re.compile(r" at \d+$")
_NONE: Any = object()
_DEEP = TemplateFault(
    "the template is nested too deeply", "no file may include itself; split what is large with macros"
)


class TextFault(Exception):
    """What is wrong with a template, where, and the calls that led there, the nearest first."""

    def __init__(self, fault: TemplateFault, span: Span, via: Sequence[Span] = ()) -> None:
        super().__init__(fault.summary)
        self.fault = fault
        self.span = span
        self.via = tuple(via)


class NotYet(Names):
    """A name that has a meaning only once the file is read."""

    def __init__(self, name: str, hint: str) -> None:
        self.label = name
        self.fault = TemplateFault(f"`{name}` is not known while the text of the file is made", hint)

    def names(self) -> Iterable[str]:
        """Refuses, as all of it does."""
        raise self.fault

    def value(self, name: str) -> Any:
        """Refuses."""
        raise self.fault

    def whole(self) -> Any:
        """Refuses."""
        raise self.fault


class TextSandbox(Sandbox):
    """Renders one file out of one or more templates. `names` are what they know, `total` bounds all of a spec."""

    code_generator_class = TextCompiler

    def __init__(self, read: ReadTemplate, names: Mapping[str, Any], total: Meter) -> None:
        super().__init__(total)
        self.sources: dict[str, Source] = {}
        self.trim_blocks = self.lstrip_blocks = self.keep_trailing_newline = True
        self.loader = _Loader(read, self.sources)
        self.cache = {}
        self.globals.update(names)
        self.globals |= {"range": Function("range", _range), "namespace": Function("namespace", Namespace)}
        self.filters |= {name: self._filter(name, call) for name, call in TEXT_FILTERS.items()}
        self._lexer = TextLexer(self)
        self._tokens = 0
        self._places: list[At] = []
        self._written: list[Traced] = []
        # Where the evaluation is: the expressions it is in, and at each of `_bases` the statement of a macro.
        self._at: list[At | None] = [None]
        self._bases = [0]

    @property
    def lexer(self) -> TextLexer:
        """jinja's own would be shared with all that is set alike."""
        return self._lexer

    def rendered(self, name: str) -> Traced:
        """The text that a template makes. Raises TextFault, and Failed for a variable that has failed already."""
        run = Evaluation(min(TEXT_WORK, max(self._total.left, 0)))
        self._runs.append(run)
        try:
            return self._rendered(name)
        except TemplateFault as fault:
            raise self._placed(fault, name) from None
        except TemplateSyntaxError as problem:
            raise self._misread(problem, name) from None
        except TemplateNotFound as problem:
            raise self._placed(TemplateFault(f"there is no file `{problem.message}`"), name) from None
        except (SyntaxError, MemoryError):
            raise self._placed(_DEEP, name) from None
        except RecursionError:
            raise self._placed(_DEEP, name) from None
        except FAULTS as problem:
            raise self._placed(self.fault_of(problem, self.globals), name) from None
        finally:
            self._runs.pop()
            self._total.left -= TEXT_WORK - run.meter.left

    def _rendered(self, name: str) -> Traced:
        template = self.get_template(name)
        pieces: list[str] = []
        room = MAX_MADE
        for piece in template.root_render_func(template.new_context({})):
            room -= len(piece)
            if room < 0:
                if isinstance(piece, Traced):
                    self._at.append(At.of(0, piece.runs[0].source, piece.runs[0].offset))
                raise TemplateFault(f"the file is rendered to more than {MAX_MADE // 2**20} MiB")
            pieces.append(piece)
        return together(pieces, self._here(name))

    def _placed(self, fault: TemplateFault, name: str) -> TextFault:
        """The fault at the place where the evaluation is."""
        here = self._here(name)
        calls = [one for base in reversed(self._bases) if base and (one := self._at[base - 1]) is not None]
        via = [one.source.span(one.offset) for one in calls]
        span = here.source.span(here.offset)
        return TextFault(fault, span, [one for one in via if one != span])

    def _here(self, name: str) -> Run:
        at = next((one for one in reversed(self._at) if one is not None), None)
        if at is None:
            return Run(0, self.sources.get(name) or Source(name, ""), 0, False)
        return Run(0, at.source, at.offset, False)

    def _misread(self, problem: TemplateSyntaxError, name: str) -> TextFault:
        at = problem.lineno
        if isinstance(at, At):
            span = at.source.span(at.offset)
        else:
            source = self.sources.get(problem.name or name) or Source(name, "")
            span = source.line_span(at)
        said = _POSITION.sub("", (problem.message or "it is no template").rstrip("."))
        return TextFault(TemplateFault(f"the template cannot be read: {said[:1].lower()}{said[1:]}"), span)

    # What reading a template calls.

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for node in tree.find_all((nodes.Filter, nodes.Test)):
            kind, known = ("filter", self.filters) if isinstance(node, nodes.Filter) else ("test", self.tests)
            if node.name not in known:
                hint = did_you_mean(node.name, known) or f"{kind}s are: {', '.join(sorted(known))}"
                raise self._at_node(node, f"there is no {kind} `{node.name}`", hint)
        odd = tree.find(nodes.EvalContextModifier)
        if odd is not None:
            raise self._at_node(odd, "`autoescape` has no meaning in a spec", "")
        return tree

    def _at_node(self, node: nodes.Node, summary: str, hint: str) -> TemplateFault:
        self._at.append(self._places[self.note_place(node.lineno)])
        return TemplateFault(summary, hint)

    def join_path(self, template: str, parent: str) -> str:
        """The name of a file that a template gives as a path from its own folder."""
        if os.path.isabs(template):
            raise TemplateFault(f"`{template}` is no relative path", "a path begins at the folder of this template")
        return os.path.normpath(os.path.join(os.path.dirname(parent), template))

    def count_token(self, line: int, source: Source, offset: int) -> None:
        """Bound what is read of all templates together."""
        self._tokens += 1
        if self._tokens > MAX_TOKENS:
            self._at.append(At.of(line, source, offset))
            raise TemplateFault(f"the templates have more than {MAX_TOKENS:,} words and signs")

    def note_place(self, line: int) -> int:
        """A number for a place, by which compiled code speaks of it."""
        assert isinstance(line, At)
        self._places.append(line)
        return len(self._places) - 1

    def note_text(self, text: str, line: int) -> int:
        """A number for a piece of a template's own text."""
        assert isinstance(line, At)
        self._written.append(Traced(text, (Run(len(text), line.source, line.offset, True),)))
        return len(self._written) - 1

    # What compiled templates call.

    def at(self, place: int) -> None:
        """An expression begins; `came`, `shown`, `items` or `truth` ends it."""
        self._at.append(self._places[place])

    def here(self, place: int) -> None:
        """A statement begins."""
        self._at[-1] = self._places[place]

    def came(self, _at: None, value: Any) -> Any:
        """The value of an expression."""
        self._at.pop()
        return value

    def text(self, number: int) -> str:
        """A piece of a template's own text."""
        piece = self._written[number]
        self._spend(1 + len(piece) // 256)
        return piece

    def shown(self, _at: None, value: Any) -> str:
        """What `{{ }}` writes."""
        text = to_text(self._plain(value))
        if not isinstance(text, Traced):
            at = self._at[-1]
            assert at is not None
            text = Traced(text, (Run(len(text), at.source, at.offset, False),))
        self._at.pop()
        return text

    def truth(self, _at: None, value: Any) -> bool:
        """What `{% if %}` asks for."""
        found = bool(value)
        self._at.pop()
        return found

    def items(self, _at: None, value: Any) -> list[Any]:
        """What `{% for %}` goes over: the elements of a list, the keys of a map."""
        found = self._listed(value)
        self._at.pop()
        return found

    def _listed(self, value: Any) -> list[Any]:
        plain = self._plain(value)
        if not isinstance(plain, (list, dict)):
            raise TemplateFault(f"`for` takes a list or a map, not {kind_of(plain)}")
        self._spend(1 + len(plain))
        return list(plain)

    def concat(self, pieces: Iterable[str]) -> Traced:
        """What a macro or a block wrote, as one text."""
        found = list(pieces)
        self._spend(len(found) + sum(len(one.runs) + len(one) // 256 for one in found if isinstance(one, Traced)))
        return together(found, self._here(""))

    def tilde(self, *pieces: Any) -> Json:
        """`a ~ b`."""
        texts = [to_text(self._plain(piece)) for piece in pieces]
        return self.concat(texts) if any(isinstance(one, Traced) for one in texts) else super().tilde(*texts)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """`a.b`, also of loops, of files that were imported, and of namespaces."""
        match obj:
            case LoopContext() if argument in _LOOP:
                return getattr(obj, argument)
            case LoopContext() if argument == "cycle":
                return Function("loop.cycle", obj.cycle)
            case TemplateModule() | Namespace() if isinstance(argument, str) and not argument.startswith("_"):
                found = getattr(obj, argument, _NONE)
                return self._missing(f"`{argument}` is not defined there", "") if found is _NONE else found
            case dict() if argument in ("items", "keys", "values") and argument not in obj:
                raise TemplateFault("maps have no methods", "`{% for key, value in map|items %}`")
        return super().getitem(obj, argument)

    def call(__self, __context: Context | None, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """`f(a)`: our functions, macros, `caller()`, `super()`, and `loop()` of a recursive loop."""
        kwargs.pop("_loop_vars", None)
        kwargs.pop("_block_vars", None)
        if not isinstance(__obj, (Macro, BlockReference, LoopContext)):
            return super().call(__context, __obj, *args, **kwargs)
        if isinstance(__obj, LoopContext):
            args = tuple(__self._listed(one) for one in args)
        if len(__self._bases) > MAX_CALLS:
            raise TemplateFault(f"macros call each other more than {MAX_CALLS} deep")
        __self._spend(15)
        base = len(__self._at)
        __self._bases.append(base)
        __self._at.append(None)
        result = __obj(*args, **kwargs)
        __self._bases.pop()
        del __self._at[base:]
        return result

    def _missing(self, message: str, hint: str) -> Undefined:
        if not hint and message.startswith("`vars."):
            name = message.split("`")[1]
            hint = f"it is known here from --var and --var-file alone; what the file says is `${{{{ {name} }}}}`"
        return super()._missing(message, hint)

    def _spend(self, amount: int) -> None:
        self._runs[-1].meter.spend(amount)


class _Loader(BaseLoader):
    """Templates by their names in messages; keeps the text of each."""

    def __init__(self, read: ReadTemplate, sources: dict[str, Source]) -> None:
        self._read = read
        self._sources = sources

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, None]:
        try:
            text = self._read(template)
        except KeyError:
            raise TemplateNotFound(template) from None
        self._sources[template] = Source(template, text)
        return text, template, None


def _range(*bounds: Json) -> list[int]:
    if not 1 <= len(bounds) <= 3 or any(isinstance(one, bool) or not isinstance(one, int) for one in bounds):
        raise TemplateFault("range() takes one to three whole numbers")
    if len(bounds) == 3 and bounds[2] == 0:
        raise TemplateFault("range() takes a step that is not 0")
    found = range(*bounds)
    # len() of a range that is too long overflows.
    if found and (found[-1] - found[0]) // found.step >= MAX_RANGE:
        raise TemplateFault(f"the range has more than {MAX_RANGE:,} elements")
    return list(found)
