"""The three ways in which a service makes requests, behind one verb: httpx2, httpx2 with asyncio, and requests."""

import asyncio
import ssl
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx2
import requests

# Reading the certificates takes longer than a request.
_TLS = ssl.create_default_context()


class Blocking:
    """``httpx2.Client``."""

    name = "httpx2"

    def call(self, method, url, *, auth, **more):
        """Return status and text of the response."""
        with httpx2.Client(auth=auth, follow_redirects=True, timeout=60, verify=_TLS) as client:
            response = client.request(method, url, **more)
            return response.status_code, response.text

    def call_at_once(self, times, url, *, auth):
        """Make so many requests, each in a thread of its own; return the results or exceptions."""
        barrier = Barrier(times)

        def one(_):
            barrier.wait()
            try:
                return self.call("GET", url, auth=auth)
            except Exception as error:  # noqa: BLE001 - the test compares it
                return error

        with ThreadPoolExecutor(times) as threads:
            return list(threads.map(one, range(times)))


class Awaiting:
    """``httpx2.AsyncClient``."""

    name = "httpx2 with asyncio"

    def call(self, method, url, *, auth, **more):
        """Return status and text of the response."""
        return asyncio.run(self._call(method, url, auth=auth, **more))

    async def _call(self, method, url, *, auth, **more):
        async with httpx2.AsyncClient(auth=auth, follow_redirects=True, timeout=60, verify=_TLS) as client:
            response = await client.request(method, url, **more)
            return response.status_code, response.text

    def call_at_once(self, times, url, *, auth):
        """Make so many requests, each in a task of its own; return the results or exceptions."""

        async def all_of_them():
            calls = [self._call("GET", url, auth=auth) for _ in range(times)]
            return await asyncio.gather(*calls, return_exceptions=True)

        return asyncio.run(all_of_them())


class Requests(Blocking):
    """``requests.Session``."""

    name = "requests"

    def call(self, method, url, *, auth, **more):
        """Return status and text of the response."""
        with requests.Session() as session:
            session.trust_env = False
            if "content" in more:
                more["data"] = more.pop("content")
            response = session.request(method, url, auth=auth, **more)
            return response.status_code, response.text


CALLERS = (Blocking(), Awaiting(), Requests())
