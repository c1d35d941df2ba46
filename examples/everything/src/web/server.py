"""A web server on the port that the function names."""

import os
from http.server import BaseHTTPRequestHandler, HTTPServer


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok\n")


HTTPServer(("0.0.0.0", int(os.environ.get("FC_SERVER_PORT", "8080"))), Answer).serve_forever()
