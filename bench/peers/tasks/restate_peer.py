"""Restate (one node, its own log on disk) with a service in Python, no-op invocations sent over HTTP by 16
clients; a second process serves the service, as it would be deployed.

    python3 restate_peer.py PATH_OF_RESTATE_SERVER [MANY] [ONE]
"""

import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

from common import Bell, ring, say

PRODUCERS = 16
SERVICE, INGRESS, ADMIN, NODE = 39080, 39081, 39082, 39083


def serve():
    import asyncio

    import hypercorn.asyncio
    import restate

    service = restate.Service("Noop")

    @service.handler()
    async def run(ctx: restate.Context, given: dict) -> None:
        ring(given["bell"], given["number"])

    config = hypercorn.Config()
    config.bind = [f"127.0.0.1:{SERVICE}"]
    asyncio.run(hypercorn.asyncio.serve(restate.app([service]), config))


def post(connection, path, body):
    connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status >= 300:
        raise RuntimeError(f"{path}: {answer.status} {text[:200]}")


def until_it_answers(port, path):
    for _ in range(300):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", path)
            connection.getresponse().read()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"nothing answers at {port}")


def main():
    program = sys.argv[1]
    many, one = (int(given) for given in (sys.argv[2:] + ["10000", "500"][len(sys.argv) - 2 :]))
    home = tempfile.mkdtemp(prefix="nexus-restate-")
    settings = {
        "RESTATE_BASE_DIR": home,
        "RESTATE_INGRESS__BIND_ADDRESS": f"127.0.0.1:{INGRESS}",
        "RESTATE_ADMIN__BIND_ADDRESS": f"127.0.0.1:{ADMIN}",
        "RESTATE_BIND_ADDRESS": f"127.0.0.1:{NODE}",
        "RESTATE_ADVERTISED_ADDRESS": f"http://127.0.0.1:{NODE}",
    }
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen([program], env={**os.environ, **settings}, **quiet)
    service = subprocess.Popen([sys.executable, __file__, "serve"], **quiet)
    try:
        until_it_answers(ADMIN, "/health")
        until_it_answers(SERVICE, "/discover")
        until_it_answers(INGRESS, "/restate/health")
        admin = http.client.HTTPConnection("127.0.0.1", ADMIN, timeout=30)
        post(admin, "/deployments", {"uri": f"http://127.0.0.1:{SERVICE}"})
        bell = Bell()

        def send(connection, number):
            post(connection, "/Noop/run/send", {"bell": bell.path, "number": number})

        client = http.client.HTTPConnection("127.0.0.1", INGRESS, timeout=30)
        for number in range(20):
            send(client, number)
            bell.wait()
        times = []
        for number in range(one):
            began = time.monotonic_ns()
            send(client, number)
            times.append((bell.wait()[1] - began) / 1e6)

        def produce(at):
            mine = http.client.HTTPConnection("127.0.0.1", INGRESS, timeout=60)
            for number in range(at, many, PRODUCERS):
                send(mine, number)
            ended.append(time.monotonic() - began)

        ended = []
        began = time.monotonic()
        producers = [threading.Thread(target=produce, args=(at,)) for at in range(PRODUCERS)]
        for producer in producers:
            producer.start()
        heard = 0
        while heard < many:
            bell.wait()
            heard += 1
        finished = time.monotonic() - began
        for producer in producers:
            producer.join()
        enqueued = max(ended)
    finally:
        service.terminate()
        server.terminate()
        service.wait()
        server.wait()
    version = subprocess.run([program, "--version"], capture_output=True, text=True).stdout.split()
    say("Restate", version[-1] if version else "?", times, many, enqueued, finished)


if __name__ == "__main__":
    serve() if sys.argv[1:] == ["serve"] else main()
