"""Runs random programs, two at a time. XAPICOMPAT_SOAK: 2,000 instead of 200. A failed program names its seed and its steps."""

import concurrent.futures
import functools
import random
import traceback

import harness
import xenapi
from program import Program

PROGRAMS = 2000 if harness.SOAK else 200
BATCH = 10


def run_batch(url, work, seed, batch):
    """Names of the failed programs with what went wrong, and the number of steps."""
    session, troubles, steps = xenapi.Session(url), [], 0
    sr = session.default_sr()
    for number in range(batch * BATCH, (batch + 1) * BATCH):
        program = Program(session, sr, lambda name: work("%d-%s" % (batch, name)), random.Random(seed * 10007 + number))
        try:
            program.run()
        except Exception:  # noqa: BLE001 - the finding
            troubles.append("program %d: %s\n%s" % (number, "; ".join(program.steps), traceback.format_exc()))
        finally:
            program.clean()
        steps += len(program.steps)
    session.call("session.logout")
    return troubles, steps


def main():
    harness.note("seed %d (XAPICOMPAT_SEED repeats it), %d programs" % (harness.SEED, PROGRAMS))
    checks = harness.Checks()
    steps = 0
    with harness.WorkDirectory() as work, harness.Server(work("state"), "--gc-delay", "0") as server:
        session = xenapi.Session(server.http)
        before = len(session.call("VDI.get_all"))
        with concurrent.futures.ProcessPoolExecutor(2) as pool:
            batches = range(PROGRAMS // BATCH)
            for batch, (troubles, count) in zip(batches, pool.map(functools.partial(run_batch, server.http, work, harness.SEED), batches)):
                checks.ok("programs %d to %d" % (batch * BATCH, (batch + 1) * BATCH - 1), not troubles, "\n".join(troubles))
                steps += count
        session.call("SR.scan", session.default_sr())
        checks.equal("nothing is left of them, hidden disks included", len(session.call("VDI.get_all")), before)
    harness.note("%d steps" % steps)
    checks.finish()


if __name__ == "__main__":
    main()
