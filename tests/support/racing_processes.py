"""Processes that send the same request at the same time; ``python racing_processes.py URL TASKS`` is one of them."""

import asyncio
import json
import secrets
import subprocess
import sys
import time
from pathlib import Path

from login_stack import HORIZON_MS, LEEWAY_MS, LoginStack
from safeconduct.config import RevocationConfig, StoreConfig
from safeconduct.errors import AuthError
from safeconduct.principal import Principal
from safeconduct.stores.redis.server import RedisServer
from token_factory import ISSUER
from worlds import Native


class RacingClient(LoginStack):
    """A login stack with real randomness, a real server and the real clock."""

    def __init__(self, url, *, pool_size=25):
        # The tests here are not about deadlines, and the machine is busy.
        config = StoreConfig(url=url, deadline_ms=30_000, pool_size=pool_size)
        stores = RedisServer(
            config, RevocationConfig(), horizon_ms=HORIZON_MS, leeway_ms=LEEWAY_MS, announce=lambda _: None
        )
        super().__init__(Native(stores), time.time, has_directory=False)

    def draw(self, size):
        return secrets.token_bytes(size)

    def race(self, verb, given, tasks):
        """Call *verb* in *tasks* tasks at once, and return the result of each."""

        async def all_at_once():
            return await asyncio.gather(*(self._ask(verb, given) for _ in range(tasks)))

        return self.run(all_at_once())

    async def _ask(self, verb, given):
        try:
            if verb == "refresh":
                tokens = await self.session_verbs.refresh(given)
                return tokens.refresh_token.value
            return self.name_of(await self.session_verbs.renew(self.bearer(given)))
        except AuthError as error:
            return f"{type(error).__name__}: {error.reason}"

    def bearer(self, given):
        """Return the principal of an access token after half of its lifetime."""
        subject, session_id, iat_ms, renewals = given
        return Principal(
            subject=subject, issuer=ISSUER, scheme="bearer", session_id=session_id, expires_at=iat_ms // 1000,
            claims={"iat_ms": iat_ms, "rn": renewals},
        )  # fmt: skip

    def name_of(self, tokens):
        """Return the identifying claims of an access token."""
        claims = self.principal(tokens).claims
        return [claims["sub"], claims["sid"], claims["iat_ms"], claims["rn"], claims["jti"], claims["exp"]]


class RacingProcesses:
    """Several processes with several tasks each."""

    def __init__(self, url, *, processes=4, tasks=25):
        command = [sys.executable, str(Path(__file__)), url, str(tasks)]
        pipe = subprocess.PIPE
        self._racers = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(processes)]
        for racer in self._racers:
            racer.stdout.readline()

    def race(self, verb, given):
        """Let all of them call *verb* at once, and return all results."""
        for racer in self._racers:
            print(json.dumps([verb, given]), file=racer.stdin, flush=True)
        return [result for racer in self._racers for result in json.loads(racer.stdout.readline())]

    def stop(self):
        for racer in self._racers:
            racer.communicate()


def print_line(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main():
    url, tasks = sys.argv[1:]
    runner = RacingClient(url)
    print_line("ready")
    for line in sys.stdin:
        verb, given = json.loads(line)
        print_line(json.dumps(runner.race(verb, given, int(tasks))))


if __name__ == "__main__":
    main()
