"""An agent that speaks the contract wrongly, in the ways that WRONG names; for tests."""
import http.client, json, os, signal, sys, time, urllib.error, urllib.request
import nexus_agent

WRONG = set(os.environ["WRONG"].split())
right_post = nexus_agent.post

def once(path, body, secret=""):
    data = json.dumps(body).encode()
    headers = {"content-type": "application/json", "x-api-key": nexus_agent.KEY}
    headers.update(nexus_agent.signed(data, str(nexus_agent.uuid.uuid4()), secret))
    with urllib.request.urlopen(urllib.request.Request(nexus_agent.URL + path, data, headers), timeout=60) as answer:
        return json.load(answer)

def post(path, body, secret=""):
    if path.endswith("/claim"):
        return claim(path, body)
    if path.endswith("/heartbeat"):
        answer = right_post(path, body)
        return {"cancel": False} if "careless" in WRONG else answer
    if body["status"] == "running":
        for fault, change in [("sloppy", {"state": "busy"}), ("tokenless", {"attempt_token": "x"})]:
            if fault in WRONG:
                try:
                    once(path, {**body, **change}, secret)
                except urllib.error.HTTPError:
                    pass
    tries = 0
    while "impatient" in WRONG:  # each time something else, under another id
        try:
            tries += 1
            return once(path, {**body, "worklog": [{"text": f"try {tries}"}]}, secret)
        except urllib.error.HTTPError as error:
            if error.code < 500:
                break
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.1)
    try:
        return right_post(path, body, secret)
    except urllib.error.HTTPError as error:
        if error.code == 409 and "stubborn" in WRONG:
            right_post(path, body, secret)
        raise

def claim(path, body):
    if "hasty" in WRONG:
        body = {**body, "wait_seconds": 0}
        time.sleep(0.1)
    if "fragile" in WRONG:
        return once(path, body)
    return right_post(path, body)

def count(task):
    if "picky" in WRONG and not set(task.envelope) <= {"version", "task_id", "params"}:
        raise nexus_agent.Failed("an envelope that I do not know")
    for _ in task.params["text"].split():
        task.wait(0.05)
    return "x" * (2 << 20) if "huge" in WRONG else {}

nexus_agent.post = post
if "trusting" in WRONG:
    nexus_agent.approved = lambda envelope: None
if "deaf" in WRONG:
    nexus_agent.Task.beat = lambda task: None
if "monotonous" in WRONG:
    nexus_agent.uuid.uuid4 = lambda: "always-the-same"
if "immortal" in WRONG:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "stillborn" in WRONG:
    sys.exit(3)
nexus_agent.run("text.word_count", count, "wrong")
