"""Two npm libraries as clients of our OAuth endpoints; their requests are answered in this process, in either world."""

import json
import subprocess
from urllib.parse import urlsplit

from interop_peers import NODE, node_package


class NodeClient:
    """A node process with both libraries, whose requests go to *site*."""

    def __init__(self, site):
        for package in ("oauth4webapi", "openid-client"):
            node_package(package)
        self.site, self.requests = site, []
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            ["node", str(NODE / "oauth_client.mjs")],  # noqa: S607 - any node will do
            stdin=pipe,
            stdout=pipe,
            text=True,
        )

    def run(self, library, **task):
        """Let a library do *task*, and return what it got."""
        self._write({"library": library, "now": int(self.site.clock()), **task})
        while "fetch" in (message := json.loads(self._process.stdout.readline())):
            self._write(self._answer(**message["fetch"]))
        if "error" in message:
            raise ValueError(message["error"])
        return message["value"]

    def close(self):
        """End the process."""
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _answer(self, url, method, headers, body):
        self.requests.append((method, url))
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        response = self.site.request(method, target, list(headers.items()), body.encode())
        return {"status": response.status, "headers": list(response.fields), "body": response.body.decode()}

    def _write(self, message):
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()
