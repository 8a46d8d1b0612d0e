"""Runs the scripts of this folder over plain TCP and over TLS, and looks at what they leave behind."""

import os
import signal
import subprocess
import time
import urllib.parse

import harness
import xenapi

XE = os.environ.get("XE") or os.path.join(harness.ROOT, "scripts", "xe")
# Of the small imports, by transport; what TLS could change does not need as many.
REPEATS = {"plain": 100 if harness.SOAK else 10, "TLS": 100 if harness.SOAK else 3}


def main():
    checks = harness.Checks()
    if not harness.tool("qemu-img"):
        checks.skip("everything", "qemu-img is not installed")
        checks.finish()
    subprocess.run([XE, "-version"], check=True, stdout=subprocess.DEVNULL)
    with harness.WorkDirectory() as work, harness.Server(work("state"), "--login-pause", "0") as server:
        for prefix, options in ways(server):
            checks.prefix = prefix + ": "
            environment = dict(os.environ, XE=XE, HOME=work.path, XE_EXTRA_ARGS=options)
            for script, arguments in (("use.sh", ()), ("recipe.sh", ()), ("imports.sh", (str(REPEATS[prefix]), "file pipe" if prefix == "plain" or harness.SOAK else "file"))):
                folder = work("%s-%s" % (script, prefix.replace(" ", "-")))
                os.mkdir(folder)
                run_script(checks, script, folder, arguments, environment)
            checks.run("a client that is killed", killed, checks, work, environment, server)
        checks.prefix = ""
        nothing_left(checks, server)
    checks.finish()


def ways(server):
    plain, secure = (urllib.parse.urlsplit(url).port for url in (server.http, server.https))
    yield "plain", "server=127.0.0.1,port=%d,username=root,password=%s" % (plain, harness.PASSWORD)
    yield "TLS", "server=localhost,port=%d,username=root,password=%s" % (secure, harness.PASSWORD)


def run_script(checks, script, folder, arguments, environment):
    """The script prints lines of checks; they go out under our prefix."""
    begin = time.monotonic()
    process = subprocess.Popen(["bash", script, folder, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    detail = []
    said_not_ok = False
    for line in process.stdout:
        for word in ("ok ", "not ok "):
            if line.startswith(word):
                said_not_ok = said_not_ok or word == "not ok "
                checks.failed += word == "not ok "
                print(word + checks.prefix + line[len(word):], end="", flush=True)
                break
        else:
            detail.append(line)
            if said_not_ok:
                print("    " + line.strip(), flush=True)
    code = process.wait()
    checks.ok("%s ran to its end" % script, code == 0 or (said_not_ok and code == 1), "exit %d\n%s" % (code, "".join(detail)))
    harness.note("%s%s took %.1f s" % (checks.prefix, script, time.monotonic() - begin))


def killed(checks, work, environment, server):
    """The server notices that a client is gone, whatever it was doing."""
    pipe = work("pipe-" + str(time.monotonic()))
    os.mkfifo(pipe)
    session = xenapi.Session(server.http)
    disk = session.create_vdi(8 << 20)
    uuid = session.call("VDI.get_uuid", disk)
    waiting = subprocess.Popen([XE, "event-wait", "class=vm", "uuid=nothing"], env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    sending = subprocess.Popen([XE, "vdi-import", "uuid=" + uuid, "filename=" + pipe], env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(pipe, "wb") as writer:
        writer.write(bytes(1 << 20))
        writer.flush()
        until(lambda: any(t["status"] == "pending" for t in session.call("task.get_all_records").values()))
        for process in (waiting, sending):
            checks.ok("it runs", process.poll() is None)
            process.send_signal(signal.SIGKILL)
            process.wait()
    checks.ok("no task is left", until(lambda: not session.call("task.get_all")), session.call("task.get_all_records"))
    checks.ok("the disk is free", until(lambda: destroyed(session, disk)))
    session.raw("session.logout", session.ref)


def destroyed(session, disk):
    try:
        session.call("VDI.destroy", disk)
        return True
    except xenapi.XenError:
        return False


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def nothing_left(checks, server):
    session = xenapi.Session(server.http)
    checks.equal("tasks left", session.call("task.get_all"), [])
    names = [r["name_label"] for r in session.call("VDI.get_all_records").values() if r["name_label"] in ("data", "restored", "import", "one disk")]
    checks.equal("disks left", names, [])


main()
