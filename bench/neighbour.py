"""Somebody well-behaved, in a process of their own: `python -m bench.neighbour PORT`.

They read their token as the first line, and ask something short over one kept connection, again and again. They write
how many milliseconds they waited at most: for the first answer; then, to each line that they read, since the last.
"""

import select
import socket
import sys
from time import perf_counter

from bench.load import request_bytes
from bench.workload import Query

SHORT = Query("Short", "query Short { __typename }", {})
PAUSE_SECONDS = 0.005


def main(port: int) -> None:
    """Ask until nobody wants to know any more."""
    request = request_bytes(SHORT, port, sys.stdin.readline().strip())
    longest = 0.0
    is_asked = True
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            begin = perf_counter()
            _ask(connection, request)
            longest = max(longest, perf_counter() - begin)
            if is_asked:
                print(longest * 1e3, flush=True)  # noqa: T201  who started this waits for it
                longest = 0.0
            is_asked = bool(select.select([sys.stdin], [], [], PAUSE_SECONDS)[0])
            if is_asked and not sys.stdin.readline():
                return


def _ask(connection: socket.socket, request: bytes) -> None:
    connection.sendall(request)
    answer = connection.recv(65_536)
    while not answer.endswith(b"}"):
        more = connection.recv(65_536)
        if not more:
            raise ConnectionError(f"cut off after {answer!r}")
        answer += more
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise ConnectionError(f"answered {answer!r}")


if __name__ == "__main__":
    main(int(sys.argv[1]))
