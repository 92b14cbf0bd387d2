"""Celery on RabbitMQ, no-op tasks: durable queue, persistent messages, publisher confirms, acknowledged
when done. It keeps no state of a task, which is its usual way of being quick.

    python3 celery_peer.py amqp://guest:guest@127.0.0.1// [MANY] [ONE]
"""

import os
import subprocess
import sys
import time

import celery

from common import Bell, ring, say

app = celery.Celery("celery_peer", broker=os.environ.get("PEER_BROKER", ""))
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    task_default_queue="nexus-bench",
    broker_transport_options={"confirm_publish": True},
    broker_connection_retry_on_startup=True,
    worker_prefetch_multiplier=16,
)


@app.task(name="noop")
def noop(bell, number):
    ring(bell, number)


def main():
    broker = sys.argv[1]
    many, one = (int(given) for given in (sys.argv[2:] + ["10000", "500"][len(sys.argv) - 2 :]))
    app.conf.broker_url = broker
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "celery_peer", "worker", "-c", "2", "-l", "ERROR"],
        env={**os.environ, "PEER_BROKER": broker},
        cwd=os.path.dirname(os.path.abspath(__file__)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        bell = Bell()
        for number in range(20):
            noop.delay(bell.path, number)
        for _ in range(20):
            bell.wait()
        times = []
        for number in range(one):
            began = time.monotonic_ns()
            noop.delay(bell.path, number)
            times.append((bell.wait()[1] - began) / 1e6)
        began = time.monotonic()
        for number in range(many):
            noop.delay(bell.path, number)
        enqueued = time.monotonic() - began
        for _ in range(many):
            bell.wait()
        finished = time.monotonic() - began
    finally:
        worker.terminate()
        worker.wait()
    say("Celery", celery.__version__, times, many, enqueued, finished)


if __name__ == "__main__":
    main()
