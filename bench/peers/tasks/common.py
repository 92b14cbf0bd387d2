"""What the peers of `bench/tasks` share: when a task was finished is told by a datagram, so that nobody
polls, and one line of JSON at the end."""

import json
import os
import socket
import statistics
import tempfile
import time


class Bell:
    """Hears of finished tasks on a socket of its own."""

    def __init__(self):
        self.path = os.path.join(tempfile.mkdtemp(prefix="nexus-peer-"), "bell")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.settimeout(60)
        self.socket.bind(self.path)

    def wait(self):
        """The next finished task's number and the time at which it was heard of, in ns."""
        number = int(self.socket.recv(32))
        return number, time.monotonic_ns()


_ringer = None


def ring(path, number):
    """Tells the bell that a task is finished."""
    global _ringer
    if _ringer is None:
        _ringer = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    _ringer.sendto(str(number).encode(), path)


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def say(name, version, one, many, enqueued, finished):
    """`one`: milliseconds from accepted to finished, one at a time. The others: counts and seconds."""
    print(
        json.dumps(
            {
                "name": name,
                "version": version,
                "p50_ms": round(statistics.median(one), 3),
                "p99_ms": round(quantile(one, 0.99), 3),
                "enqueued_per_s": round(many / enqueued),
                "finished_per_s": round(many / finished),
            }
        )
    )
