"""Products that keep running, twins' events that reach them, and services by their real names."""

from pathlib import Path

from factory_tui.trials import Pool
from tests.trials.conftest import MakeJob, tried

BOT = """#!/usr/bin/python3 -IS
import hashlib, hmac, http.client, http.server, json, os, sys, urllib.parse

if sys.argv[1:] == ["ask"]:
    c = http.client.HTTPConnection("127.0.0.1", int(os.environ["PORT"]))
    c.request("GET", "/seen")
    print("seen:", c.getresponse().read().decode())
    sys.exit()
seen = 0

class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args): pass
    def answer(self, text, status=200):
        self.send_response(status); self.end_headers(); self.wfile.write(text.encode())
    def do_GET(self): self.answer(str(seen))
    def do_POST(self):
        global seen
        body = self.rfile.read(int(self.headers["content-length"]))
        base = b"v0:" + self.headers["x-slack-request-timestamp"].encode() + b":" + body
        key = os.environ["SLACK_SIGNING_SECRET"].encode()
        expected = "v0=" + hmac.new(key, base, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, self.headers["x-slack-signature"]):
            return self.answer("who are you", 401)
        event = json.loads(body)
        if event["type"] == "url_verification":
            return self.answer(event["challenge"])
        seen += 1
        self.answer("")
        said = event["event"]
        if said.get("bot_id"): return
        url = urllib.parse.urlsplit(os.environ["SLACK_URL"])
        c = http.client.HTTPConnection(url.hostname, url.port)
        form = urllib.parse.urlencode({"channel": said["channel"], "text": "echo " + said["text"]})
        c.request("POST", url.path + "chat.postMessage", form, {
            "authorization": "Bearer " + os.environ["SLACK_TOKEN"],
            "content-type": "application/x-www-form-urlencoded"})
        print("answered", json.loads(c.getresponse().read())["ok"], flush=True)

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""

LISTENING = (
    'configure_app: {url: "http://127.0.0.1:8080/slack/events", events: [message.channels]}, '
    "set_channel: {name: general, members: [any:everyone:1]}"
)


async def test_a_bot_is_told_of_messages_and_answers(pool: Pool, job: MakeJob) -> None:
    report, exchanges = await tried(
        pool,
        job(
            BOT,
            "1. start: `{{sut}}`\n"
            "2. slack: say {user: any:everyone:1, channel: general, text: hello}\n"
            "3. run: `{{sut}} ask`\n"
            "4. stop:\n",
            "- must fact: slack.messages[text=echo hello].count == 1\n"
            "- must fact: calls.slack[operation=chat.postMessage][step=2].count == 1\n"
            "- must fact: cmd[2].output contains seen: 2\n"
            "- must fact: cmd[1].stdout contains answered True",
            slack=LISTENING,
        ),
    )
    assert all(fact["ok"] for fact in report.facts), report.facts
    kinds = [(entry["kind"], entry["step"]) for entry in report.trajectory]
    assert kinds[0] == ("start", 1)
    assert report.trajectory[0]["data"] == {"listens": True}
    assert ("event", 2) in kinds and ("call", 2) in kinds
    assert kinds[-1] == ("stop", 4)
    out = [row for row in exchanges if row["direction"] == "out"]
    assert {row["status"] for row in out} == {200}


async def test_a_service_that_ends_by_itself_is_told(pool: Pool, job: MakeJob) -> None:
    report, _ = await tried(
        pool,
        job(
            "#!/bin/sh\necho no configuration >&2\nexit 3\n",
            "1. start: `{{sut}}`\n2. stop:",
            "- must fact: cmd[1].exit == 0",
        ),
    )
    assert report.facts[0]["actual"] == "3"
    entry = report.trajectory[-1]
    assert (entry["kind"], entry["data"]["exit"]) == ("stop", 3)
    assert entry["data"]["by_itself"]
    assert "no configuration" in entry["data"]["stderr"]


async def test_events_without_a_service_reach_nobody(pool: Pool, job: MakeJob) -> None:
    report, exchanges = await tried(
        pool,
        job(
            "#!/bin/sh\nexit 0\n",
            "1. slack: say {user: any:everyone:1, channel: general, text: hello}",
            "- must fact: calls.slack.count == 0",
            slack=LISTENING,
        ),
    )
    assert report.facts[0]["ok"]
    assert all(row["status"] == 0 for row in exchanges)


HARD_CODED = """#!/usr/bin/python3 -IS
import json, os, socket, sys, urllib.error, urllib.request
token = os.environ["SLACK_TOKEN"]
ask = urllib.request.Request("https://slack.com/api/auth.test",
                             headers={"authorization": "Bearer " + token})
print("slack:", json.load(urllib.request.urlopen(ask))["ok"])
ask = urllib.request.Request("https://acme.okta.com/api/v1/users?limit=3",
                             headers={"authorization": "SSWS " + os.environ["OKTA_TOKEN"]})
answer = urllib.request.urlopen(ask)
print("okta:", len(json.load(answer)), "https://acme.okta.com/" in answer.headers["link"])
print("jira:", json.load(urllib.request.urlopen(
    "https://acme.atlassian.net/rest/api/3/serverInfo"))["deploymentType"])
for host in ("example.com", "notslack.com"):
    try:
        socket.getaddrinfo(host, 443)
    except socket.gaierror as error:
        print(host, "unknown")
try:
    urllib.request.urlopen("https://127.0.0.1:7002")
except (urllib.error.URLError, OSError):
    print("no TLS by port")
"""


async def test_services_are_found_by_their_real_names(pool: Pool, job: MakeJob) -> None:
    report, _ = await tried(
        pool,
        job(
            HARD_CODED,
            "1. run: `{{sut}}`",
            "- must fact: cmd[1].output contains slack: True\n"
            "- must fact: cmd[1].output contains okta: 1 True\n"
            "- must fact: cmd[1].output contains jira: Cloud\n"
            "- must fact: cmd[1].output contains example.com unknown\n"
            "- must fact: cmd[1].output contains notslack.com unknown\n"
            "- must fact: cmd[1].output contains no TLS by port\n"
            "- must fact: calls.okta.count == 1",
        ),
    )
    assert all(fact["ok"] for fact in report.facts), [f["actual"] for f in report.facts]
    notes = [entry["text"] for entry in report.trajectory if entry["kind"] == "note"]
    assert [note.split()[5] for note in notes] == ["example.com,", "notslack.com,"]


SWAPPER = """#!/usr/bin/python3 -IS
import ctypes, os, socket
listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
os.mkdir("/work/notes")
os.symlink("OUTSIDE", "/work/link")
swap = ctypes.CDLL(None).renameat2
while True:
    swap(-100, b"/work/notes", -100, b"/work/link", 2)
"""


async def test_a_service_cannot_lead_a_users_file_out_of_its_box(
    pool: Pool, job: MakeJob, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    writes = "".join(f"{n}. write: notes/{n}.txt: mine\n" for n in range(2, 60))
    report, _ = await tried(
        pool,
        job(
            SWAPPER.replace("OUTSIDE", str(outside)),
            "1. start: `{{sut}}`\n" + writes,
            "- must fact: cmd.count == 1",
        ),
    )
    assert list(outside.iterdir()) == []
    told = {entry["data"].get("killed", "") for entry in report.trajectory[1:-1]}
    assert "blocked" in told


async def test_a_service_is_told_what_came_due_while_it_started_as_soon_as_it_listens(
    pool: Pool, job: MakeJob
) -> None:
    slow = BOT.replace(
        "http.server.ThreadingHTTPServer((", "begin()\nhttp.server.ThreadingHTTPServer(("
    )
    begin = """
def begin():
    url = urllib.parse.urlsplit(os.environ["SLACK_URL"])
    c = http.client.HTTPConnection(url.hostname, url.port)
    c.request("POST", url.path + "chat.postMessage", "channel=general&text=up", {
        "authorization": "Bearer " + os.environ["SLACK_TOKEN"],
        "content-type": "application/x-www-form-urlencoded"})
    c.getresponse().read()
    import time
    time.sleep(1.5)
"""
    slow = slow.replace("class Handler", begin + "\nclass Handler")
    report, exchanges = await tried(
        pool,
        job(
            slow,
            "1. start: `{{sut}}`\n2. run: `{{sut}} ask`\n",
            "- must fact: cmd[2].output contains seen: 1",
            slack=LISTENING,
        ),
    )
    assert all(fact["ok"] for fact in report.facts), report.facts
    out = [(row["operation"], row["status"]) for row in exchanges if row["direction"] == "out"]
    assert out == [("message", 200)], "nothing was refused meanwhile"
