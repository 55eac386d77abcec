"""The demo as a process of its own, and in this one."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading

from safeconduct.cli.program import program


class Demo:
    """A demo that serves, until it is told to stop."""

    def __init__(self, *options, folder):
        environ = {name: value for name, value in os.environ.items() if not name.startswith("SAFECONDUCT_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "safeconduct", "demo", "--json", "--port", "0", *map(str, options)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={**environ, "TMPDIR": str(folder)},
        )
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(self.process.communicate()[1])
        self.shown = json.loads(line)

    @property
    def url(self):
        return self.shown["url"]

    def stop(self, number=signal.SIGTERM):
        """Stop it, and return its status and what else it said."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


def demo_here(*options, drive):
    """
    Run the demo in this process and thread, which measures it, while *drive* is called with what it prints.

    *drive* gets a text file to read from; when it returns, the demo is told to stop.
    """
    reading, writing = os.pipe()
    failed = []

    def work():
        with os.fdopen(reading) as said:
            try:
                drive(said)
            except BaseException as error:  # noqa: BLE001 - told in the test's own thread
                failed.append(error)
            finally:
                os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=work)
    with os.fdopen(writing, "w", buffering=1) as output, contextlib.redirect_stdout(output):
        thread.start()
        program(["demo", "--port", "0", *map(str, options)], standalone_mode=False)
    thread.join()
    if failed:
        raise failed[0]
