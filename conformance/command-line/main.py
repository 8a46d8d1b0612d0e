"""What scripts/start promises to whoever starts it."""

import json
import os
import re
import select
import socket
import sqlite3
import stat
import subprocess
import threading
import time

import harness
import transfer
import xenapi

START = os.path.join(harness.ROOT, "scripts", "start")


def main():
    checks = harness.Checks()
    # Everything below runs with an up-to-date build.
    build = os.path.join(harness.ROOT, "scripts", "build")
    subprocess.run([build], check=True, stdout=subprocess.DEVNULL)
    begin = time.monotonic()
    subprocess.run([build], check=True, stdout=subprocess.DEVNULL)
    harness.note("an up-to-date build adds %.0f ms to the start" % ((time.monotonic() - begin) * 1000))

    with harness.WorkDirectory() as work:
        for name, function in (("output", output), ("mistakes", mistakes), ("ports", ports), ("state directory", state_directory),
                               ("newer state", newer_state), ("password", password), ("signals", signals),
                               ("starts at once", several_starts), ("persistence", persistence)):
            checks.prefix = name + ": "
            folder = work(name.replace(" ", "-"))
            os.makedirs(folder)
            checks.run("ran to its end", function, checks, lambda file, folder=folder: os.path.join(folder, file))
    checks.finish()


def refused(checks, name, *options, mentions, env=None):
    """One clear line on stderr, nothing on stdout, a non-zero exit code, soon."""
    try:
        done = subprocess.run([START, *options], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, text=True,
                              env=dict(os.environ, **(env or {})))
    except subprocess.TimeoutExpired as error:
        checks.ok(name, False, "it runs: %s" % error)
        return
    lines = done.stderr.strip().splitlines()
    checks.ok(name, done.returncode != 0 and done.stdout == "" and len(lines) == 1 and mentions in lines[0],
              "exit %d\nstdout %r\nstderr %s" % (done.returncode, done.stdout, done.stderr))


def output(checks, path):
    server = harness.Server(path("state")).start()
    ready = server.ready
    checks.equal("members of the line", set(ready), {"http", "https", "nbd", "unix", "user", "pid", "certificate"})
    checks.equal("pid is the process that was started", ready["pid"], server.process.pid)
    checks.equal("it is the server itself", open("/proc/%d/comm" % ready["pid"]).read().strip() not in ("bash", "sh"), True)
    checks.equal("user", ready["user"], "root")
    checks.ok("URLs with the bound ports", re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d*", ready["http"] or "")
              and re.fullmatch(r"https://127\.0\.0\.1:[1-9]\d*", ready["https"] or ""), ready)
    checks.ok("the certificate is a file", os.path.isfile(ready["certificate"]), ready["certificate"])
    xenapi.Session(server.http).call("pool.get_all")
    xenapi.Session(server.https).call("pool.get_all")
    readable, _, _ = select.select([server.process.stdout], [], [], 1.0)
    checks.ok("nothing follows on standard output", not readable)
    keys = [os.path.join(folder, name) for folder, _, names in os.walk(path("state")) for name in names
            if b"PRIVATE KEY" in open(os.path.join(folder, name), "rb").read(65536)]
    keys += [] if keys else [ready["certificate"]]
    checks.ok("the private key is for the owner only", all(stat.S_IMODE(os.stat(key).st_mode) & 0o077 == 0 for key in keys), keys)
    certificate = server.ready["certificate"]
    first = open(certificate, "rb").read()
    server.stop()
    with harness.Server(path("state")) as again:
        checks.ok("the certificate stays", open(again.ready["certificate"], "rb").read() == first)
    checks.ok("the log goes to stderr", True)


def mistakes(checks, path):
    state = path("state")
    refused(checks, "unknown option", "--colour", "blue", "--state", state, mentions="--colour")
    refused(checks, "stray argument", "serve", "--state", state, mentions="serve")
    refused(checks, "option without its value", "--state", state, "--http", mentions="--http")
    refused(checks, "address without port", "--state", state, "--http", "127.0.0.1", mentions="--http")
    refused(checks, "port that is no number", "--state", state, "--http", "127.0.0.1:eighty", mentions="--http")
    refused(checks, "port out of range", "--state", state, "--https", "127.0.0.1:70000", mentions="--https")
    refused(checks, "state directory that is a file", "--http", "127.0.0.1:0", "--https", "off", "--state", START, mentions=START)
    checks.ok("a mistake leaves no state directory", not os.path.exists(state))


def ports(checks, path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused(checks, "busy port, plain", "--http", "127.0.0.1:%d" % port, "--https", "off", "--state", path("one"), mentions=str(port))
        refused(checks, "busy port, TLS", "--http", "off", "--https", "127.0.0.1:%d" % port, "--state", path("two"), mentions=str(port))
    with harness.Server(path("three"), https="off") as server:
        checks.ok("--https off", server.ready["https"] is None and server.ready["http"])
        xenapi.Session(server.http)
    with harness.Server(path("three"), http="off") as server:
        checks.ok("--http off", server.ready["http"] is None and server.ready["https"])
        xenapi.Session(server.https)
    with harness.Server(path("three")) as server:
        port = server.http.rpartition(":")[2]
    with harness.Server(path("three"), http="127.0.0.1:" + port) as server:
        checks.ok("a given port", server.http.endswith(":" + port))


def state_directory(checks, path):
    with harness.Server(path("state")) as server:
        refused(checks, "in use", "--http", "127.0.0.1:0", "--https", "off", "--state", path("state"), mentions=path("state"))
        xenapi.Session(server.http).call("pool.get_all")
        checks.ok("the server that uses it does not mind")
        server.kill()
        begin = time.monotonic()
        with harness.Server(path("state")) as again:
            xenapi.Session(again.http).call("pool.get_all")
            checks.ok("free at once after SIGKILL", True)
            harness.note("start after SIGKILL took %.1f s" % (time.monotonic() - begin))
    os.makedirs(path("elsewhere"))
    relative = subprocess.Popen([START, "--http", "127.0.0.1:0", "--https", "off"], cwd=path("elsewhere"), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    json.loads(relative.stdout.readline())
    checks.ok("the default is ./state of the current directory", os.path.isdir(os.path.join(path("elsewhere"), "state")))
    relative.terminate()
    relative.communicate(timeout=120)


def newer_state(checks, path):
    with harness.Server(path("state")):
        pass
    files = [os.path.join(path("state"), name) for name in os.listdir(path("state"))]
    databases = [file for file in files if os.path.isfile(file) and open(file, "rb").read(15) == b"SQLite format 3"]
    checks.equal("there is one database", len(databases), 1)
    connection = sqlite3.connect(databases[0])
    connection.execute("PRAGMA user_version = 1000000")
    connection.commit()
    connection.close()
    refused(checks, "written by a newer version", "--http", "127.0.0.1:0", "--https", "off", "--state", path("state"), mentions="newer")


def password(checks, path):
    def login_refused(url, word):
        return xenapi.fails_with("SESSION_AUTHENTICATION_FAILED", xenapi.Session, url, "root", word)

    with harness.Server(path("state")) as server:
        checks.ok("a wrong one is refused", login_refused(server.http, "wrong"))
        checks.ok("another user is refused", xenapi.fails_with("SESSION_AUTHENTICATION_FAILED", xenapi.Session, server.http, "admin", "xapicompat"))
    with harness.Server(path("state"), "--password", "by option") as server:
        xenapi.Session(server.http, password="by option")
        checks.ok("--password", login_refused(server.http, harness.PASSWORD))
    with harness.Server(path("state"), env={"XAPICOMPAT_PASSWORD": "by environment"}) as server:
        xenapi.Session(server.http, password="by environment")
        checks.ok("XAPICOMPAT_PASSWORD", login_refused(server.http, harness.PASSWORD))
    try:
        with harness.Server(path("state"), http="0.0.0.0:0") as server:
            port = server.http.rpartition(":")[2]
            checks.ok("the default is refused on a listener for everybody", login_refused("http://127.0.0.1:" + port, harness.PASSWORD))
            xenapi.Session(server.https)
            checks.ok("and accepted on the loopback listener beside it")
    except RuntimeError as error:
        checks.ok("the default is refused on a listener for everybody", "password" in str(error), error)
    with harness.Server(path("state"), "--password", "a real one", http="0.0.0.0:0") as server:
        xenapi.Session("http://127.0.0.1:" + server.http.rpartition(":")[2], password="a real one")
        checks.ok("a given one is accepted there")


def signals(checks, path):
    """SIGTERM with nothing to do, with a waiting event call, in the middle of an upload and of a download."""
    def stops(name, busy):
        server = harness.Server(path("state")).start()
        session = xenapi.Session(server.http)
        keep = busy(session)
        code, seconds = server.stop()
        # It gives its clients five seconds; stop() kills what has not ended after thirty.
        checks.ok("SIGTERM, %s: a clean end" % name, code == 0, "exit %s after %.1f s" % (code, seconds))
        del keep

    def waiting_for_events(session):
        token = session.call("event.from", ["vdi"], "", 1.0)["token"]
        thread = threading.Thread(target=quietly, args=(xenapi.Session(session.url).call, "event.from", ["vm_guest_metrics"], token, 60.0), daemon=True)
        thread.start()
        time.sleep(0.5)
        return thread

    def in_an_upload(session):
        vdi = session.create_vdi(64 << 20)
        connection = transfer.connect(session)
        connection.putrequest("PUT", transfer.target("import_raw_vdi", session_id=session.ref, vdi=vdi))
        connection.putheader("Content-Length", str(64 << 20))
        connection.endheaders()
        connection.send(bytes(8 << 20))
        time.sleep(0.3)
        return connection

    def in_a_download(session):
        vdi = session.create_vdi(1 << 30)
        connection = transfer.connect(session)
        connection.request("GET", transfer.target("export_raw_vdi", session_id=session.ref, vdi=vdi))
        answer = connection.getresponse()
        answer.read(1 << 20)
        return connection, answer

    stops("idle", lambda session: None)
    stops("a client waits for events", waiting_for_events)
    stops("in an upload", in_an_upload)
    stops("in a download that nobody reads", in_a_download)


def quietly(function, *arguments):
    try:
        function(*arguments)
    except Exception:  # noqa: BLE001 - the server is being stopped
        pass


def several_starts(checks, path):
    servers = [harness.Server(path("state%d" % number)) for number in range(3)]
    threads = [threading.Thread(target=server.start) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        checks.equal("three servers with ports of their own", len({server.http for server in servers} | {server.https for server in servers}), 6)
        for server in servers:
            xenapi.Session(server.http).call("pool.get_all")
        checks.ok("all of them answer")
    finally:
        for server in servers:
            server.stop()


def persistence(checks, path):
    with harness.Server(path("state")) as server:
        session = xenapi.Session(server.http)
        vdi = session.create_vdi(8 << 20, "kept", tags=["one"])
        transfer.upload(session, vdi, b"\x5a" * (8 << 20))
        before = session.call("VDI.get_record", vdi)
        objects = len(session.call("VM.get_all_records"))
    with harness.Server(path("state")) as server:
        checks.ok("a session does not survive a restart", xenapi.fails_with("SESSION_INVALID", with_url(session, server.http).call, "pool.get_all"))
        session = xenapi.Session(server.http)
        checks.equal("a record does", session.call("VDI.get_record", vdi), before)
        checks.equal("and nothing is doubled", len(session.call("VM.get_all_records")), objects)
        checks.ok("a disk does", transfer.export(session, vdi).digest == transfer.hashlib.sha256(b"\x5a" * (8 << 20)).hexdigest())


def with_url(session, url):
    """The old session's ref on a new connection."""
    other = xenapi.Session(url, login=False)
    other.ref = session.ref
    return other


main()
