"""What a report looks like and what its page does by itself: nothing here is loaded from anywhere."""

from __future__ import annotations

CSS = """
:root { color-scheme: light dark; --page: #ffffff; --frame: #f6f7f9; --line: #d5d9e0; --text: #1c2330; --faint:
  #596273;
  --edge: #a7afbc; --named: #b4540a; --box: #ffffff; --light: 45%; --focus: #0b57d0; --good: #116329; --bad: #b3261e;
  --warn: #8a4b00; --change: #6b4fbb; --come: #e6f6ea; --gone: #fdecea; --told: #fff5df; }
@media screen and (prefers-color-scheme: dark) { :root { --page: #14171c; --frame: #1b2027; --line: #343b46;
  --text: #e7eaef; --faint: #9aa4b2; --edge: #566070; --named: #f0a35e; --box: #232932; --light: 62%; --focus:
  #8ab4f8;
  --good: #6fd08c; --bad: #ff9b90; --warn: #f2bb66; --change: #bfa8ff; --come: #12301d; --gone: #3a1a18;
  --told: #33270f; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 20px 24px 60px; max-width: 1280px; background: var(--page); color: var(--text);
  font: 14px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 20px; margin: 0 0 4px; } h2 { font-size: 16px; margin: 34px 0 10px; } h3 { font-size: 14px; margin:
  18px 0 6px; }
p { margin: 0 0 10px; } .faint { color: var(--faint); } code, pre { font: 12.5px/1.5 ui-monospace, Menlo, Consolas,
  monospace; }
pre { margin: 0; white-space: pre-wrap; } a { color: var(--focus); }
.skip { position: absolute; left: -9999px; } .skip:focus { position: static; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
.wide { overflow-x: auto; margin: 14px 0; }
table { border-collapse: collapse; } th, td { padding: 5px 14px 5px 0; border-bottom: 1px solid var(--line);
  text-align: left; }
th { font-weight: 600; color: var(--faint); } th .faint { font-weight: 400; }
.n { text-align: right; font-variant-numeric: tabular-nums; }
th, td { overflow-wrap: normal; } .zero { color: var(--faint); } td.create, .k-create { color: var(--good); }
td.delete, .k-delete { color: var(--bad); } td.update, .k-update { color: var(--warn); } td.replace, .k-replace {
  color: var(--change); }
.finding { border-left: 4px solid var(--warn); background: var(--frame); padding: 8px 12px; margin: 8px 0;
  border-radius: 4px; }
.finding.error { border-color: var(--bad); } .finding b { color: var(--warn); } .finding.error b { color: var(--bad);
  }
.good { color: var(--good); } .bad { color: var(--bad); } .block { background: var(--frame); padding: 10px 12px;
  border-radius: 6px; margin-bottom: 10px; }
.tools { position: sticky; top: 0; z-index: 2; display: flex; flex-wrap: wrap; gap: 8px 14px; align-items: center;
  background: var(--page); border-bottom: 1px solid var(--line); padding: 10px 0; margin-top: 24px; }
.tools[hidden] { display: none; } .tools label { white-space: nowrap; }
.tools input[type=search] { font: inherit; color: inherit; background: var(--box); border: 1px solid var(--edge);
  border-radius: 6px; padding: 5px 10px; width: 260px; max-width: 100%; }
.tools button, .tools select { font: inherit; color: inherit; background: var(--frame); border: 1px solid var(--edge);
  border-radius: 6px; padding: 4px 10px; max-width: 100%; }
.change { border: 1px solid var(--line); border-radius: 6px; margin: 6px 0; background: var(--box); }
.change[hidden] { display: none; } .change > summary { padding: 7px 12px; cursor: pointer; }
.change > summary b { display: inline-block; width: 1.2em; text-align: center; font-family: ui-monospace, monospace; }
.change.picked { border-color: var(--focus); box-shadow: 0 0 0 1px var(--focus); }
.diff { border-top: 1px solid var(--line); padding: 6px 0; } .diff span { display: block; padding: 0 12px 0 2.6em;
  text-indent: -1.4em; }
.come { background: var(--come); } .gone { background: var(--gone); } .told { background: var(--told); } .remark {
  color: var(--faint); }
.graph { margin: 8px 0 14px; } .graph > summary { cursor: pointer; } .picked-link { min-height: 1.5em; margin: 6px 0;
  }
.bars { display: grid; grid-template-columns: minmax(90px, 38%) 1fr; gap: 3px 12px; align-items: center; margin: 8px
  0; }
.bars > span { font-size: 12.5px; } .bar { position: relative; height: 14px; background: var(--frame); border-radius:
  3px; }
.bar i { position: absolute; top: 2px; bottom: 2px; min-width: 2px; border-radius: 2px; background: var(--focus); }
.bar i.undone { background: var(--warn); }
.none { padding: 12px 0; } @media (max-width: 640px) { body { padding: 14px 14px 40px; } .tools { position: static; }
  .tools input[type=search] { width: 100%; } }
@media print { :root { --page: #fff; --box: #fff; --text: #000; --frame: #f4f4f4; --line: #ccc; --faint: #444;
  --come: #e6f6ea;
  --gone: #fdecea; --told: #fff5df; --good: #116329; --bad: #b3261e; --warn: #8a4b00; --change: #6b4fbb; --focus:
  #0b57d0;
  --edge: #888; --named: #b4540a; --light: 45%; color-scheme: light; }
  body { max-width: none; padding: 0; } .tools, .skip, .picked-link { display: none; }
  .wide { overflow: visible; } svg { max-width: 100%; height: auto; } * { print-color-adjust: exact; } }
"""

SCRIPT = """
const changes = [...document.querySelectorAll(".change")];
const tools = document.querySelector(".tools");
if (tools) {
  const search = tools.querySelector("input[type=search]");
  const kinds = [...tools.querySelectorAll("input[type=checkbox]")];
  const target = tools.querySelector("select");
  const count = tools.querySelector("output");
  const none = document.querySelector(".none");
  const texts = new Map();
  const textOf = one => {
    if (!texts.has(one)) texts.set(one, (one.dataset.target + " " + one.textContent).toLowerCase());
    return texts.get(one);
  };
  let opened = [];
  const filter = () => {
    const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
    const wanted = new Set(kinds.filter(one => one.checked).map(one => one.value));
    const shown = [];
    for (const one of changes) {
      const fits = wanted.has(one.dataset.action) && (!target || !target.value || target.value ===
  one.dataset.target) &&
        words.every(word => textOf(one).includes(word));
      one.hidden = !fits;
      if (fits) shown.push(one);
    }
    opened.forEach(one => { one.open = false; });
    opened = words.length && shown.length <= 50 ? shown.filter(one => !one.open) : [];
    opened.forEach(one => { one.open = true; });
    for (const part of document.querySelectorAll("section.target")) {
      const own = [...part.querySelectorAll(".change")];
      part.hidden = own.length > 0 && own.every(one => one.hidden);
    }
    count.textContent = shown.length + " of " + changes.length + " shown";
    none.hidden = shown.length > 0;
  };
  [search, ...kinds, ...(target ? [target] : [])].forEach(one => one.addEventListener("input", filter));
  search.addEventListener("keydown", event => {
    if (event.key === "Escape") { search.value = ""; filter(); }
  });
  const all = open => changes.forEach(one => { if (!one.hidden) one.open = open; });
  tools.querySelector("[name=open]").addEventListener("click", () => all(true));
  tools.querySelector("[name=close]").addEventListener("click", () => all(false));
  document.addEventListener("keydown", event => {
    if (event.key === "/" && !event.target.closest("input, select")) { event.preventDefault(); search.focus(); }
  });
  tools.hidden = false;
  filter();
}
const show = id => {
  const card = id && document.getElementById(id);
  document.querySelectorAll(".change.picked").forEach(one => one.classList.remove("picked"));
  if (!card || !card.classList.contains("change")) return;
  card.hidden = false;
  card.closest("section").hidden = false;
  card.open = true;
  card.classList.add("picked");
};
addEventListener("hashchange", () => show(decodeURIComponent(location.hash.slice(1))));
show(decodeURIComponent(location.hash.slice(1)));
for (const svg of document.querySelectorAll("svg")) {
  svg.addEventListener("chosen", event => {
    const link = svg.closest(".graph").querySelector(".picked-link");
    link.textContent = "";
    const card = event.detail && document.getElementById("c-" + event.detail);
    if (!event.detail) return;
    const name = document.getElementById(event.detail).querySelector("title").textContent;
    if (!card) { link.textContent = name + ": no change"; return; }
    const way = document.createElement("a");
    way.href = "#" + card.id;
    way.textContent = name + ": see its change";
    link.append(way);
  });
}
let before = [];
addEventListener("beforeprint", () => {
  before = [...document.querySelectorAll("details:not([open])")];
  before.forEach(one => { one.open = true; });
});
addEventListener("afterprint", () => {
  before.forEach(one => { one.open = false; });
});
"""
