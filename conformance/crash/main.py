"""Kills, restarts, compares. XAPICOMPAT_SOAK: 500 kills instead of 15."""

import os
import random
import threading
import time

import harness
import verify
import xenapi
from model import Model
from worker import Worker

KILLS = 500 if harness.SOAK else 15
CONNECTIONS = 4


def main():
    harness.note("seed %d (XAPICOMPAT_SEED repeats it), %d kills" % (harness.SEED, KILLS))
    chance = random.Random(harness.SEED)
    checks = harness.Checks()
    with harness.WorkDirectory() as work:
        server = harness.Server(work("state"), "--gc-delay", "0").start()
        session = xenapi.Session(server.http)
        sr = session.default_sr()
        folder = os.path.join(work("state"), "sr", session.call("SR.get_uuid", sr))
        models = [Model("w%d-" % number) for number in range(CONNECTIONS)]
        workers = [Worker(model.prefix, model, work, harness.SEED + number) for number, model in enumerate(models)]
        cut_short = {}
        try:
            for kill in range(1, KILLS + 1):
                killed = threading.Event()
                for worker in workers:
                    worker.start(server.http, sr, killed)
                time.sleep(chance.uniform(0.3, 2.5))
                server.process.kill()
                killed.set()
                server.kill()
                for worker in workers:
                    worker.thread.join(60)
                    if worker.thread.is_alive():
                        worker.problem = "it did not notice the end of the server"
                for model in models:
                    kind = model.pending.kind if model.pending else "nothing"
                    cut_short[kind] = cut_short.get(kind, 0) + 1
                if chance.random() < 0.2:
                    killed_while_starting(server, chance)
                server.start()
                session = xenapi.Session(server.http)
                if not check_everything(checks, "kill %d" % kill, session, sr, folder, models, workers):
                    harness.note("the log ends: " + server.log()[-1500:].replace("\n", "\n# "))
                    break
        finally:
            server.stop()
    acknowledged = sum(model.acknowledged for model in models)
    harness.note("%d operations acknowledged; cut short: %s" % (acknowledged, cut_short))
    checks.ok("there was load", acknowledged > 10 * KILLS, acknowledged)
    checks.finish()


def killed_while_starting(server, chance):
    """Recovery must bear being cut as well."""
    killer = threading.Timer(chance.uniform(0.1, 1.0), lambda: server.process.kill())
    killer.start()
    try:
        server.start()
        killer.join()
        server.kill()
    except RuntimeError:
        pass


def check_everything(checks, name, session, sr, folder, models, workers):
    findings = verify.Findings()
    problems = [worker.problem for worker in workers if worker.problem]
    state = verify.State(session, sr)
    for model in models:
        verify.settle(model, state, findings)
        verify.compare(model, state, findings)
    verify.check_power(state, findings)
    strays, made_up, vanished, missing = verify.stray_files(session, sr, folder)
    good = checks.ok(name + ": no client saw an error before it", not problems, "\n".join(problems))
    good &= checks.ok(name + ": %d disks, %d machines, nothing lost, nothing different" % (
        sum(len(model.disks) for model in models), sum(len(model.machines) for model in models)), findings.total() == 0, findings)
    good &= checks.ok(name + ": every file belongs to a record, every record to a file", not (strays or made_up or vanished or missing),
                      "strays %s, made up by the scan %s, removed by the scan %s, without a file %s" % (strays, made_up, vanished, missing))
    good &= checks.ok(name + ": nothing is busy", not state.busy, state.busy)
    return good


main()
