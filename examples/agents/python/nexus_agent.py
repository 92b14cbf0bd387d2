"""The agent contract of NEXUS in plain Python: claim, heartbeat, callback, signature, digest.

    nexus_agent.run("text.shout", lambda task: {"text": task.params["text"].upper()})

NEXUS_AGENT_KEY is the agent's key, NEXUS_URL the server, CALLBACK_SIGNATURE_SECRET the secret where
callbacks must be signed. Keep this file as it is, and write the work beside it.
"""
import base64, datetime, decimal, hashlib, hmac, http.client, json, os, random, sys, threading, time
import urllib.error, urllib.request, uuid

URL = os.environ.get("NEXUS_URL", "http://127.0.0.1:8000").rstrip("/")
KEY = os.environ.get("NEXUS_AGENT_KEY", "")
SECRET = os.environ.get("CALLBACK_SIGNATURE_SECRET", "").split(",")[0].strip()

class Stopped(Exception):
    """Somebody cancelled the task, or the claim is lost: do nothing more for it."""

class Failed(Exception):
    """Ends the attempt. For a RED task, retryable=True says that you are sure that nothing left."""
    def __init__(self, message, code="AGENT_ERROR", retryable=None):
        super().__init__(message)
        self.error = {"failure_code": code, "message": message, "retryable": retryable}

class Task:
    """One attempt: its envelope, and what can be said about it while it goes on."""
    def __init__(self, envelope, agent):
        self.envelope, self.params, self.agent = envelope, envelope["params"], agent
        self.stopped = threading.Event()

    def wait(self, seconds=0):
        """Sleeps; raises Stopped as soon as the work must end. Call it often."""
        if self.stopped.wait(seconds):
            raise Stopped()

    def progress(self, fraction, text=None, level="info"):
        """How far it is, 0 to 1, and a line for the worklog."""
        lines = [{"level": level, "text": text}] if text else []
        self.say("progress", progress=fraction, worklog=lines)

    def say(self, status, **more):
        proof = {name: self.envelope[name] for name in ("task_id", "attempt", "attempt_token")}
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
        post("/agent/callback", {**proof, "agent": self.agent, "status": status, "sent_at": now, **more}, SECRET)

    def beat(self):
        """Keeps the claim until the work ends."""
        proof = {name: self.envelope[name] for name in ("attempt", "attempt_token")}
        lease = seconds(self.envelope["lease_until"]) - seconds(self.envelope["issued_at"])
        while not self.stopped.wait(lease / 3):
            try:
                if post(f"/agent/tasks/{self.envelope['task_id']}/heartbeat", proof)["cancel"]:
                    self.stopped.set()
            except urllib.error.HTTPError:
                self.stopped.set()

def run(task_type, perform, agent=None):
    """Claims tasks of a type, one after the other, and ends each with what perform(task) returns."""
    agent = os.environ.get("AGENT_NAME") or agent or task_type.replace(".", "-")
    wanted = {"agent": agent, "types": [task_type], "wait_seconds": 20}
    while True:
        for envelope in post("/agent/tasks/claim", wanted)["tasks"]:
            attempt(Task(envelope, agent), perform)

def attempt(task, perform):
    threading.Thread(target=task.beat, daemon=True).start()
    try:
        try:
            approved(task.envelope)
            task.say("running", worklog=[{"text": f"attempt {task.envelope['attempt']} begins"}])
            end = {"status": "succeeded", "result": perform(task)}
        except Stopped:
            end = failed(Failed("stopped as asked", retryable=True))
        except Failed as error:
            end = failed(error)
        except urllib.error.HTTPError:
            raise
        except Exception as error:
            end = failed(Failed(repr(error), retryable=False))
        try:
            task.say(**end)
        except urllib.error.HTTPError as error:
            if error.code not in (413, 422):
                raise
            task.say(**failed(Failed("the result was refused: it may be too large", retryable=False)))
    except urllib.error.HTTPError as error:  # 409 stale_attempt: the task is somebody else's now
        print(f"{task.envelope['task_id']}: {error.code} {error.read().decode()}", file=sys.stderr)
    finally:
        task.stopped.set()

def failed(failure):
    return {"status": "failed", "error": failure.error}

def approved(envelope):
    """What a person approved is what stands here, or nothing is done."""
    if "approval" in envelope:
        what = {"bound": envelope["approval"]["bound"], "params": envelope["params"]}
        if hashlib.sha256(canonical(what).encode()).hexdigest() != envelope["approval"]["digest"]:
            raise Failed("this is not what was approved", "APPROVAL_PARAMS_MISMATCH", retryable=True)

def post(path, body, secret=""):
    """Sends the same bytes, under the same id, until they are answered: taken twice, they count once."""
    data, sent = json.dumps(body).encode(), str(uuid.uuid4())
    for tries in range(sys.maxsize):
        pause = min(15, 0.5 * 2 ** min(tries, 5)) * random.uniform(0.5, 1)
        try:
            headers = {"content-type": "application/json", "x-api-key": KEY, **signed(data, sent, secret)}
            request = urllib.request.Request(URL + path, data, headers)
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code != 429:
                raise
            wanted = error.headers.get("retry-after", "")
            pause = max(pause, min(60, int(wanted))) if wanted.isdigit() else pause
        except (OSError, http.client.HTTPException):
            pass  # the server restarts, or the network is away
        time.sleep(pause)

def signed(body, sent, secret):
    """Standard Webhooks: over the exact bytes, at this moment."""
    if not secret:
        return {}
    key = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()
    now = str(int(time.time()))
    mac = hmac.new(key, f"{sent}.{now}.".encode() + body, hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(mac).decode()
    return {"webhook-id": sent, "webhook-timestamp": now, "webhook-signature": signature}

def seconds(moment):
    return datetime.datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()

def canonical(value):
    """JSON as RFC 8785 writes it."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(name)}:{canonical(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, float) and value:
        return number(value)
    return json.dumps(0 if value == 0 and value is not False else value, ensure_ascii=False)

def number(value):
    """A float with the digits of its shortest form, placed as ECMAScript places them."""
    sign, digits, exponent = decimal.Decimal(repr(value)).normalize().as_tuple()
    digits, point = "".join(map(str, digits)), len(digits) + exponent
    if 0 < point <= 21:
        whole = digits[:point].ljust(point, "0")
        text = whole + ("." + digits[point:] if digits[point:] else "")
    elif -6 < point <= 0:
        text = "0." + "0" * -point + digits
    else:
        text = digits[0] + ("." + digits[1:] if digits[1:] else "") + f"e{point - 1:+d}"
    return "-" * sign + text
