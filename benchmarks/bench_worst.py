"""
Find the token that takes longest to refuse: all of the attack corpus, and the largest tokens that are read at all.

    python benchmarks/bench_worst.py

Prints the slowest ten, each the best of five; wanted is less than 20 ms for each.
"""

import contextlib
import json
import time
from pathlib import Path

from safeconduct._keys.loading import issuer_policies
from safeconduct._tokens.verifier import TokenVerifier
from safeconduct.config import Config, Trust
from safeconduct.errors import InvalidToken

CORPUS = json.loads((Path(__file__).parent.parent / "tests/corpora/attacks/jwt-attacks.json").read_text())


def verifier_of(keyset: str) -> TokenVerifier:
    trust = Trust(
        issuer=CORPUS["issuer"], audience=CORPUS["audience"], algorithms=tuple(CORPUS["algorithms"][keyset]),
        keys=CORPUS["keysets"][keyset], leeway_seconds=0,
    )  # fmt: skip
    return TokenVerifier(issuer_policies(Config(store="memory://", trust=[trust]), None, print))


def largest_tokens():
    from base64 import urlsafe_b64encode  # noqa: PLC0415 - one use

    def encode(data: str) -> str:
        return urlsafe_b64encode(data.encode()).rstrip(b"=").decode()

    size = 11_900
    bodies = {
        "brackets": "[" * size, "nested objects": ('{"a":' * size)[:size], "digits": '{"a":' + "9" * size + "}",
        "digits 4300": '{"a":[' + ",".join(["9" * 4290] * 2) + "]}", "quotes": '{"' * size,
        "escapes": '{"a":"' + "\\\\" * (size // 2),
        "members": "{" + ",".join(f'"{n}":0' for n in range(1200)) + "}", "strings": "[" + '"",' * (size // 3),
        "open string": '{"a":"' + "a" * size,
        "escaped quotes": '{"a":"' + '\\"' * (size // 2),
        "floats": '{"a":[' + "1e5," * (size // 4) + "1]}",
        "lists of lists": '{"a":[' + "[]," * (size // 3) + "[]]}", "spaces": " " * size,
        "surrogates": '{"a":"' + "\\ud83d" * (size // 6) + '"}',
    }  # fmt: skip
    claims = encode('{"iss":"https://issuer.example"}')
    header = encode('{"alg":"ES256","kid":"ec1","typ":"at+jwt"}')
    for name, body in bodies.items():
        yield "claims: " + name, f"{header}.{encode(body)}.AAAA"[:16384]
        yield "header: " + name, f"{encode(body)}.{claims}.AAAA"[:16384]
    yield "dots", "." * 16384
    yield "one segment", "A" * 16384
    yield "not ASCII", "\u00e4" * 16384
    yield "10 MB", "A" * 10_000_000


def main() -> None:
    verifiers = {name: verifier_of(name) for name in CORPUS["keysets"]}
    rows = [(case["id"], case.get("token", ""), case["keyset"]) for case in CORPUS["cases"]]
    rows += [(name, token, "asym") for name, token in largest_tokens()]
    slowest = []
    for name, token, keyset in rows:
        best = 1e9
        for _ in range(5):
            started = time.perf_counter()
            with contextlib.suppress(InvalidToken):
                verifiers[keyset].verify(token, now=CORPUS["now"])
            best = min(best, time.perf_counter() - started)
        slowest.append((best * 1000, name))
    for millis, name in sorted(slowest, reverse=True)[:10]:
        print(f"{millis:8.3f} ms  {name}")


if __name__ == "__main__":
    main()
