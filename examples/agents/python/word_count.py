#!/usr/bin/env python3
"""An agent that performs text.word_count: plain Python 3, one key, four requests."""
import collections, datetime, json, os, sys, threading, time, urllib.error, urllib.request

URL = os.environ.get("NEXUS_URL", "http://127.0.0.1:8000").rstrip("/")
NAME, TYPE = os.environ.get("AGENT_NAME", "word-count"), "text.word_count"
HEADERS = {"content-type": "application/json", "x-api-key": os.environ["AGENT_KEY"]}
SLOWLY = float(os.environ.get("SECONDS_PER_WORD", "0"))  # so that there is something to watch

def post(path, body):
    data = json.dumps(body).encode()
    while True:  # the same bytes again: taken twice, they have one effect
        try:
            request = urllib.request.Request(URL + path, data, HEADERS)
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code != 429:
                raise
        except OSError:
            pass  # the server restarts, or the network is away
        time.sleep(1)

def beat(task, stop):
    """Keeps the claim; a cancel, or a claim that somebody else has by now, stops the work."""
    time_of = lambda name: datetime.datetime.fromisoformat(task[name].replace("Z", "+00:00"))
    lease = (time_of("lease_until") - time_of("issued_at")).total_seconds()
    proof = {"attempt": task["attempt"], "attempt_token": task["attempt_token"]}
    while not stop.wait(lease / 3):
        try:
            if post(f"/agent/tasks/{task['task_id']}/heartbeat", proof)["cancel"]:
                stop.set()
        except urllib.error.HTTPError:
            stop.set()

def count(text, stop, say):
    counts, words = collections.Counter(), text.split()
    for done, word in enumerate(words, 1):
        if stop.wait(SLOWLY):
            return say("failed", error={"failure_code": "AGENT_ERROR", "message": "stopped as asked", "retryable": True})
        counts[word.lower()] += 1
        if done % 10 == 0:
            say("progress", progress=done / len(words), worklog=[{"text": f"{done} of {len(words)} words"}])
    say("succeeded", result={"words": len(words), "different": len(counts), "most_common": counts.most_common(3)})

def perform(task):
    def say(status, **more):
        proof = {name: task[name] for name in ("task_id", "attempt", "attempt_token")}
        post("/agent/callback", {**proof, "agent": NAME, "status": status, **more})
    stop = threading.Event()
    threading.Thread(target=beat, args=(task, stop), daemon=True).start()
    try:
        say("running", worklog=[{"text": f"attempt {task['attempt']} begins"}])
        count(task["params"]["text"], stop, say)
    except urllib.error.HTTPError as error:  # 409 stale_attempt: the task is no longer ours
        print(f"{task['task_id']}: {error.code} {error.read().decode()}", file=sys.stderr)
    except Exception as error:
        say("failed", error={"failure_code": "AGENT_ERROR", "message": repr(error), "retryable": False})
    finally:
        stop.set()

while True:
    for task in post("/agent/tasks/claim", {"agent": NAME, "types": [TYPE], "wait_seconds": 20})["tasks"]:
        perform(task)
