"""Serves the pages that the build wrote."""

from pathlib import Path

from opening import hours

PAGE = (Path(__file__).parent / "index.html").read_text(encoding="utf-8")


def handler(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
    return [PAGE.replace("@hours@", hours()).encode()]
