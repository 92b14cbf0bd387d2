"""awa (Postgres) by its Python client, no-op tasks; 16 producers and a worker in one process.

    python3 awa_peer.py postgres://… [MANY] [ONE]      # the database is its own
"""

import asyncio
import importlib.metadata
import sys
import time
from dataclasses import dataclass

from awa import AsyncClient

from common import say

PRODUCERS = 16


@dataclass
class Noop:
    number: int


async def main():
    url = sys.argv[1]
    many, one = (int(given) for given in (sys.argv[2:] + ["10000", "500"][len(sys.argv) - 2 :]))
    client = AsyncClient(url, max_connections=20)
    await client.migrate()
    finished = asyncio.Queue()

    @client.task(Noop, queue="bench")
    async def noop(job):
        finished.put_nowait(job.args.number)

    await client.start([("bench", 64)])
    for number in range(20):
        await client.insert(Noop(number), queue="bench")
        await finished.get()
    times = []
    for number in range(one):
        began = time.monotonic_ns()
        await client.insert(Noop(number), queue="bench")
        await finished.get()
        times.append((time.monotonic_ns() - began) / 1e6)

    async def produce(numbers):
        for number in numbers:
            await client.insert(Noop(number), queue="bench")

    began = time.monotonic()
    await asyncio.gather(*(produce(range(at, many, PRODUCERS)) for at in range(PRODUCERS)))
    enqueued = time.monotonic() - began
    for _ in range(many):
        await finished.get()
    all_done = time.monotonic() - began
    await client.shutdown()
    say("awa", importlib.metadata.version("awa-pg"), times, many, enqueued, all_done)


asyncio.run(main())
