"""Start groups of real servers: a primary with a replica and three sentinels, and clusters of six nodes."""

import contextlib
import re
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from store_servers import Server, binary, free_port

#: How long a sentinel waits before it takes a server for dead; it connects to a new primary once a second only.
SENTINEL_WAITS_MS = 1500
#: How long a node of a cluster waits.
NODE_WAITS_MS = 700
SLOTS = 16384
SERVICE = "main"


def say_to(port, *words, host="127.0.0.1"):
    """Send one command on a new connection and return the reply as text."""
    with socket.create_connection((host, port), timeout=10) as sock:
        encoded = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        sock.sendall(b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in encoded))
        return sock.recv(1 << 16).decode("utf-8", "replace")


def until(condition, what, *, seconds=30):
    """Wait until *condition* holds, and return what it returned."""
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        try:
            found = condition()
        except (OSError, LookupError, ValueError):
            found = None
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"in vain: {what}")


class Front:
    """Forward connections to *port*, and refuse those from *far* while the network is cut."""

    def __init__(self, port, far):
        self._target, self._far = port, far
        self.is_cut = False
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        #: By whether they come from far.
        self._open = {True: set(), False: set()}
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        self.is_cut = True
        self._end(self._open[True])

    def heal(self):
        self.is_cut = False

    def stop(self):
        self._end({self._socket, *self._open[True], *self._open[False]})

    @staticmethod
    def _end(sockets):
        for sock in list(sockets):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self):
        while True:
            try:
                near, (host, _) = self._socket.accept()
            except OSError:
                return
            is_far = host == self._far
            if is_far and self.is_cut:
                near.close()
                continue
            try:
                pair = (near, socket.create_connection(("127.0.0.1", self._target)))
            except OSError:
                near.close()
                continue
            self._open[is_far].update(pair)
            for source, sink in (pair, pair[::-1]):
                threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    def _forward(self, source, sink):
        with contextlib.suppress(OSError):
            while octets := source.recv(1 << 16):
                sink.sendall(octets)
        self._end((source, sink))


class Sentinel:
    """One sentinel, which watches the primary at *port*."""

    def __init__(self, kind, port, *lines, tls_port=False, host="127.0.0.1"):
        self.port, self.host = free_port(), host
        self.folder = Path(tempfile.mkdtemp(prefix="sc-"))
        config = self.folder / "sentinel.conf"
        listens = "tls-port" if tls_port else "port"
        written = [
            f"{listens} {self.port}", f"bind {host}", f"bind-source-addr {host}", "protected-mode no",
            f"dir {self.folder}",
            f"sentinel monitor {SERVICE} 127.0.0.1 {port} 2",
            f"sentinel down-after-milliseconds {SERVICE} {SENTINEL_WAITS_MS}",
            f"sentinel failover-timeout {SERVICE} 1500", *lines,
        ]  # fmt: skip
        config.write_text("\n".join(written) + "\n", "utf-8")
        self._process = subprocess.Popen(
            [binary(kind), str(config), "--sentinel"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(self._is_listening, "a sentinel")

    def _is_listening(self):
        with socket.create_connection((self.host, self.port), timeout=10):
            return True

    def say(self, *words):
        return say_to(self.port, *words, host=self.host)

    def stop(self):
        self._process.kill()
        self._process.wait()


class SentinelGroup:
    """A primary, a replica and three sentinels."""

    def __init__(self, kind, *options, front=None, host="127.0.0.1", sentinel_lines=()):
        """Start it; *front* listens in front of the first primary, and *host* is where all others connect from."""
        self.kind = kind
        self.servers = [Server(kind, "--repl-diskless-sync-delay", "0", *options) for _ in range(2)]
        first, second = self.servers
        self.front = front and front(first.port)
        port = self.front.port if front else first.port
        #: The servers by the ports under which the sentinels know them.
        self._by_port = {str(port): first, str(second.port): second}
        second.say("REPLICAOF", "127.0.0.1", port)
        self.sentinels = [Sentinel(kind, port, *sentinel_lines, host=host) for _ in range(3)]
        self.settle()

    @property
    def url(self):
        nodes = ",".join(f"{each.host}:{each.port}" for each in self.sentinels)
        return f"redis+sentinel://{nodes}/{SERVICE}"

    @property
    def primary(self):
        """The server that the sentinels name."""
        return until(self._named_primary, "a primary")

    @property
    def replica(self):
        primary = self.primary
        return next(server for server in self.servers if server is not primary)

    def settle(self):
        """Wait until the sentinels know each other and both servers, and the replica has all data."""

        def is_settled():
            named = [each.say("SENTINEL", "MASTER", SERVICE) for each in self.sentinels]
            states = [dict(zip(lines[::2], lines[1::2], strict=False)) for lines in map(_texts, named)]
            return all(
                state.get("num-slaves") == "1"
                and state.get("num-other-sentinels") == "2"
                and state.get("flags") == "master"
                for state in states
            )

        until(is_settled, "sentinels that know each other")
        until(lambda: self._is_replicating(self.replica), "a replica")

    def fail_over(self):
        """Kill the primary, wait for another one, and return the killed one."""
        killed = self.primary
        killed.kill()
        until(lambda: self._named_primary() not in {killed, None}, "a promoted replica")
        return killed

    def revive(self, killed):
        """Start a killed server as a replica of the present primary."""
        killed.start("--replicaof", f"127.0.0.1 {self.primary.port}")
        self.settle()

    def stop(self):
        for each in [*self.sentinels, *self.servers, *([self.front] if self.front else [])]:
            each.stop()

    def _named_primary(self):
        names = {tuple(_texts(each.say("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE))) for each in self.sentinels}
        if len(names) != 1:
            return None
        [(_, port)] = names
        found = self._by_port.get(port)
        return found if found and "role:master" in found.say("INFO", "replication") else None

    @staticmethod
    def _is_replicating(server):
        return server.statistic("replication", "master_link_status") == "up"


class ServerCluster:
    """Three primaries and three replicas, over which all slots are spread."""

    def __init__(self, kind, *options, nodes=6, has_tls=False):
        self.kind = kind
        common = (
            "--cluster-enabled", "yes", "--cluster-node-timeout", str(NODE_WAITS_MS), "--cluster-require-full-coverage",
            "no", "--repl-diskless-sync-delay", "0", "--cluster-replica-validity-factor", "0",
        )  # fmt: skip
        self.buses = [free_port() for _ in range(nodes)]
        self.tls_ports = [free_port() for _ in range(nodes if has_tls else 0)]
        of_tls = [("--tls-port", str(port)) for port in self.tls_ports] or [()] * nodes
        self.nodes = [
            Server(kind, *common, "--cluster-port", str(bus), *more, *options)
            for bus, more in zip(self.buses, of_tls, strict=True)
        ]
        primaries, replicas = self.nodes[:3], self.nodes[3:]
        share = -(-SLOTS // 3)
        for number, node in enumerate(primaries):
            node.say("CLUSTER", "ADDSLOTSRANGE", number * share, min((number + 1) * share, SLOTS) - 1)
            node.say("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        ports = self.tls_ports or [node.port for node in self.nodes]
        for port, bus in zip(ports[1:], self.buses[1:], strict=True):
            self.nodes[0].say("CLUSTER", "MEET", "127.0.0.1", port, bus)
        until(lambda: all(len(self.rows(node)) == nodes for node in self.nodes), "nodes that know each other")
        for replica, primary in zip(replicas, primaries, strict=False):
            until(lambda replica=replica, primary=primary: "OK" in replica.say(
                "CLUSTER", "REPLICATE", self.id_of(primary)), "a replica")  # fmt: skip
        self.settle()

    @property
    def url(self):
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes[:2])

    def id_of(self, node):
        return _texts(node.say("CLUSTER", "MYID"))[0]

    @staticmethod
    def rows(node):
        """Return what *node* knows of each node."""
        return [line.split() for line in node.say("CLUSTER", "NODES").splitlines() if len(line.split()) >= 8]

    def owner(self, slot):
        """Return the node that has *slot*, once all living nodes agree."""

        def find():
            living = [node for node in self.nodes if node.is_running]
            named = {row[0] for node in living for row in self.rows(node) if _has_slot(row, slot)}
            found = [node for node in living if self.id_of(node) in named]
            return found[0] if len(named) == len(found) == 1 else None

        return until(find, "an owner")

    def replica_of(self, primary):
        """Return a replica of *primary*."""
        found = [row for row in self.rows(primary) if row[3] == self.id_of(primary)]
        ports = {int(row[1].partition("@")[0].rpartition(":")[2]) for row in found}
        return next(node for node in self.nodes if node.port in ports)

    def begin_move(self, slot, target):
        """Begin to migrate *slot* key by key, and return its present owner."""
        source = self.owner(slot)
        target.say("CLUSTER", "SETSLOT", slot, "IMPORTING", self.id_of(source))
        source.say("CLUSTER", "SETSLOT", slot, "MIGRATING", self.id_of(target))
        return source

    def keys_in(self, node, slot):
        return _texts(node.say("CLUSTER", "GETKEYSINSLOT", slot, 1000))

    def move_key(self, source, target, key):
        """Migrate one key."""
        said = source.say("MIGRATE", "127.0.0.1", target.port, key, 0, 5000)
        assert said.startswith(("+OK", "+NOKEY")), said

    def end_move(self, slot, source, target):
        """Let *target* be the owner of *slot* for everybody."""
        for node in (target, source, *self.nodes):
            if node.is_running:
                node.say("CLUSTER", "SETSLOT", slot, "NODE", self.id_of(target))
        until(lambda: self.owner(slot) is target, "a slot that was moved")

    def move(self, slot, target):
        """Migrate *slot* key by key."""
        source = self.begin_move(slot, target)
        while keys := self.keys_in(source, slot):
            for key in keys:
                self.move_key(source, target, key)
        self.end_move(slot, source, target)

    def refusals(self, word):
        """Return how often the living nodes have refused a command with *word*."""
        lines = [line for node in self.nodes if node.is_running for line in node.say("INFO", "errorstats").splitlines()]
        return sum(int(line.partition("count=")[2]) for line in lines if line.startswith(f"errorstat_{word}:"))

    def scripts_run(self):
        """Return how many scripts the nodes have run."""
        lines = [line for node in self.nodes for line in node.say("INFO", "commandstats").splitlines()]
        return sum(int(line.partition("calls=")[2].partition(",")[0]) for line in lines if "cmdstat_eval" in line)

    def settle(self):
        """Wait until every living node sees a whole cluster, and every replica has all data."""

        def is_settled():
            living = [node for node in self.nodes if node.is_running]
            return all(
                "cluster_state:ok" in node.say("CLUSTER", "INFO")
                and not any("fail" in row[2] or row[7] != "connected" for row in self.rows(node))
                and ("role:master" in (said := node.say("INFO", "replication")) or "master_link_status:up" in said)
                for node in living
            )

        until(is_settled, "a whole cluster")

    def stop(self):
        for node in self.nodes:
            node.stop()


def _has_slot(row, slot):
    """Say whether a row of ``CLUSTER NODES`` gives *slot* to its node."""
    ranges = [part.partition("-") for part in row[8:] if not part.startswith("[")]
    return any(int(first) <= slot <= int(last or first) for first, _, last in ranges)


def _texts(reply):
    """Return the texts in a reply, empty ones too."""
    return re.findall(r"\$\d+\r\n(.*?)\r\n", reply, re.DOTALL)
