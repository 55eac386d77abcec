"""
Measure a TLS connection to a store: the certificates read once, and read anew for each connection.

    python benchmarks/bench_tls.py [--quick]

Both ends are in this process and exchange bytes in memory, so that only the work of the processor counts.  The server's
certificate is from an authority of this script, which the file of the first contender adds to the system's.
"""

import argparse
import ssl
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import rounds

from certificates import Authority
from safeconduct.stores.redis.certificates import Certificates

NAME = "store.example"
REFERENCE = "read once"


def handshake(context, server):
    """Shake hands in memory."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [context.wrap_bio(down, up, server_hostname=NAME), server.wrap_bio(up, down, server_side=True)]
    while ends:
        for end in list(ends):
            try:
                end.do_handshake()
                ends.remove(end)
            except ssl.SSLWantReadError:
                pass


def connecting(certificates_of, server):
    """Return a function that times connections whose certificates *certificates_of* returns."""

    def timed(times):
        began = time.process_time()
        for _ in range(times):
            handshake(certificates_of().context(), server)
        return time.process_time() - began

    return timed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(Path(folder), "ours")
        key, certificate = authority.issue(NAME)
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(certificate, key)
        own = (("ssl_ca_certs", str(authority.file)),)
        bundle = Path(folder) / "bundle.pem"
        system = ssl.get_default_verify_paths().cafile
        bundle.write_bytes(authority.file.read_bytes() + (b"" if system is None else Path(system).read_bytes()))
        shared, many = Certificates(own), (("ssl_ca_certs", str(bundle)),)
        figures = rounds.measure(
            {
                REFERENCE: connecting(lambda: shared, server),
                "one authority read each time": connecting(lambda: Certificates(own), server),
                "a system's authorities each time": connecting(lambda: Certificates(many), server),
            },
            reference=REFERENCE,
            rounds=5 if quick else 25,
            seconds=0.02,
            wanted={},
        )
    rounds.report("tls", "A TLS connection to a store", figures)


if __name__ == "__main__":
    main()
