"""kill -9 at every named fault point of every operation.

The server runs with --lab. Each operation runs once to learn which points it passes. Then it runs once for each of them, in a
repository of its own, many beside each other; each stands still at its point, and the server is killed.
"""

import json
import os
import threading
import time

import harness
import transfer
import verify
import xenapi
from operations import OPERATIONS

STEPS, WRITES = "commit.*,tree.*", ",file.write,file.set-length,file.flush"
BESIDE = 40
MOST = 1000 if harness.SOAK else 11


class Run:
    """One operation that stands still at one of its points."""

    def __init__(self, operation, number, passing):
        self.tag = "r%d" % number
        self.operation, self.passing = operation, passing
        self.reached = self.rule = self.error = None
        self.acknowledged = False

    def __str__(self):
        return "%s at %s (%d)" % (self.operation.name, self.reached, self.passing)

    def prepare(self, session):
        host = session.call("host.get_all")[0]
        self.sr = session.call("SR.create", host, {"device": "/dev/" + self.tag}, "0", self.tag, "", "ext", "user", False, {})
        session.call("SR.add_to_other_config", self.sr, "gc", "false")
        self.sr_uuid = session.call("SR.get_uuid", self.sr)
        self.case = self.operation(session, self.sr, self.tag)

    def arm(self, session):
        self.rule = plugin(session, "fault_set", point=points(self.operation), call="*#" + self.tag, passing=str(self.passing), action="pause")

    def start(self, url):
        self.thread = threading.Thread(target=self._act, args=(url,), daemon=True)
        self.thread.start()

    def _act(self, url):
        try:
            tagged = xenapi.Session(url, login=False)
            plain = xenapi.Session(url)
            tagged.ref = plain.ref
            tagged.proxy = xenapi.xmlrpc.client.ServerProxy(url, headers=[("X-Lab-Tag", self.tag)])
            self.case.act(tagged, self.tag)
            self.acknowledged = True
        except xenapi.XenError as error:
            self.error = error
        except Exception:  # noqa: BLE001 - the server was killed under it
            pass


def plugin(session, function, **arguments):
    host = session.call("host.get_all")[0]
    return session.call("host.call_plugin", host, "xapicompat", function, arguments)


def learn(session, url):
    """How many points each operation passes, and their names."""
    lengths, names = {}, set()
    for operation in OPERATIONS:
        run = Run(operation, 0, 0)
        run.tag = "learn-" + operation.__name__.lower()
        try:
            run.prepare(session)
        except xenapi.XenError as error:
            if error.code != "NOT_IMPLEMENTED":
                raise
            harness.note("left out: %s, for want of %s" % (operation.name, error.parameters[0]))
            continue
        plugin(session, "fault_trace", switch="on")
        run.start(url)
        run.thread.join(300)
        passed = [point for call, point in json.loads(plugin(session, "fault_trace")) if call.endswith("#" + run.tag) and counts(operation, point)]
        plugin(session, "fault_trace", switch="off")
        if not run.acknowledged:
            raise RuntimeError("%s failed: %s" % (operation.name, run.error))
        lengths[operation], names = passed, names | set(passed)
    return lengths, names


def points(operation):
    """Where there are no steps with names, each write is one; with XAPICOMPAT_SOAK everywhere."""
    return STEPS + WRITES if operation.writes or harness.SOAK else STEPS


def counts(operation, point):
    return point.startswith(("commit.", "tree.")) or (point in WRITES.split(",") and points(operation) != STEPS)


def spread(passed):
    """The passings to kill at: all of them, or the first of each name and some from the first to the last."""
    length = len(passed)
    if length <= MOST:
        return range(1, length + 1)
    return sorted({passed.index(name) + 1 for name in passed} | {round(1 + (length - 1) * step / (MOST - 1)) for step in range(MOST)})


def wait_until_settled(session, runs, seconds=300):
    """Each has ended or stands still at its point."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        reached = {rule["id"]: rule["reached_at"] for rule in json.loads(plugin(session, "fault_list"))}
        for run in runs:
            run.reached = reached.get(int(run.rule))
        if all(run.reached or not run.thread.is_alive() for run in runs):
            return True
        time.sleep(0.02)
    return False


def examine(session, state, runs, folder):
    """What is wrong after the restart, a line each."""
    problems = []
    for run in runs:
        try:
            problem = run.case.verify(session, run.acknowledged)
        except Exception as error:  # noqa: BLE001 - a finding
            problem = repr(error)
        if problem:
            problems.append("%s, %s: %s" % (run, "acknowledged" if run.acknowledged else "not acknowledged", problem))
        if run.error:
            problems.append("%s: %s" % (run, run.error))
        strays = verify.stray_files(session, run.sr, os.path.join(folder, run.sr_uuid))
        if any(strays):
            problems.append("%s: strays %s, made up by the scan %s, removed by the scan %s, without a file %s" % ((run,) + strays))
    report = json.loads(plugin(session, "check"))
    problems += ["%(level)s %(code)s %(subject)s: %(text)s" % finding for finding in report["findings"] if finding["level"] != "note"]
    return problems


# The collector is off in these repositories from their beginning to the look at them.
verify._stop_collector = lambda session, sr: None


def main():
    checks = harness.Checks("points: ")
    with harness.WorkDirectory() as work:
        folder = os.path.join(work("state"), "sr")
        server = harness.Server(work("state"), "--lab", https="off").start()
        slowest, pairs, killed_at, began = 0.0, 0, set(), time.monotonic()
        try:
            session = xenapi.Session(server.http)
            lengths, names = learn(session, server.http)
            runs, number = [], 0
            for operation, passed in lengths.items():
                for passing in spread(passed):
                    number += 1
                    runs.append(Run(operation, number, passing))
            for begin in range(0, len(runs), BESIDE):
                batch = runs[begin:begin + BESIDE]
                for run in batch:
                    run.prepare(session)
                for run in batch:
                    run.arm(session)
                for run in batch:
                    run.start(server.http)
                settled = wait_until_settled(session, batch)
                server.process.kill()
                server.kill()
                for run in batch:
                    run.thread.join(60)
                started = time.monotonic()
                server.start()
                slowest = max(slowest, time.monotonic() - started)
                session = xenapi.Session(server.http)
                problems = examine(session, work("state"), batch, folder)
                pairs += sum(1 for run in batch if run.reached)
                killed_at |= {run.reached for run in batch if run.reached}
                name = "kill at %d points, %s to %s" % (len(batch), batch[0].operation.name, batch[-1].operation.name)
                checks.ok(name + ": each was reached", settled, [str(run) for run in batch if run.thread.is_alive()])
                if not checks.ok(name + ": nothing lost, nothing half done, no stray file, nothing for check to find", not problems, "\n".join(problems[:20])):
                    harness.note("the log ends: " + server.log()[-1500:].replace("\n", "\n# "))
        finally:
            server.stop()
        harness.note("%d pairs of operation and point; points per operation: %s" % (
            pairs, ", ".join("%s %d" % (operation.name, len(passed)) for operation, passed in lengths.items())))
        harness.note("killed at " + " ".join(sorted(killed_at)))
        harness.note("slowest start after a kill, process included: %.2f s" % slowest)
        checks.ok("at least 150 pairs of operation and point", pairs >= 150, pairs)
        checks.ok("every point that was passed was killed at", names <= killed_at, sorted(names - killed_at))
        harness.note("%.0f s" % (time.monotonic() - began))
        code, output, errors = harness.run(os.path.join(harness.ROOT, "scripts", "check"), "--state", work("state"))
        checks.ok("check finds nothing in the stopped state", code == 0, output + errors)
    checks.finish()


main()
