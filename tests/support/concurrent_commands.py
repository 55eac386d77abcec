"""Run the command line in several processes at once; ``python concurrent_commands.py ARGUMENT…`` is one of them."""

import subprocess
import sys


def run_at_once(folder, *commands, stdin=""):
    """Run *commands* at once, each in its own process; return their status codes and outputs."""
    processes = [
        subprocess.Popen(
            [sys.executable, __file__, *map(str, command)],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for command in commands
    ]
    for process in processes:
        assert "ready\n" == process.stdout.readline(), process.stderr.read()
    # All of them have imported everything and wait for this line.
    for process in processes:
        process.stdin.write(f"go\n{stdin}")
        process.stdin.close()
    ended = [(process.wait(), process.stdout.read(), process.stderr.read()) for process in processes]
    for process in processes:
        process.stdout.close()
        process.stderr.close()
    return ended


if __name__ == "__main__":
    from safeconduct.cli.program import program

    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.buffer.raw.read(len("go\n"))
    program(sys.argv[1:])
