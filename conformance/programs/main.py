"""Runs random programs. XAPICOMPAT_SOAK: 1,000 instead of 100. A failed program names its seed and its steps."""

import random
import traceback

import harness
import xenapi
from program import Program

PROGRAMS = 1000 if harness.SOAK else 100
BATCH = 10


def main():
    harness.note("seed %d (XAPICOMPAT_SEED repeats it), %d programs" % (harness.SEED, PROGRAMS))
    checks = harness.Checks()
    steps = 0
    with harness.WorkDirectory() as work, harness.Server(work("state")) as server:
        session = xenapi.Session(server.http)
        sr = session.default_sr()
        before = len(session.call("VDI.get_all"))
        for batch in range(PROGRAMS // BATCH):
            troubles = []
            for number in range(batch * BATCH, (batch + 1) * BATCH):
                program = Program(session, sr, work, random.Random(harness.SEED * 10007 + number))
                try:
                    program.run()
                except Exception:  # noqa: BLE001 - the finding
                    troubles.append("program %d: %s\n%s" % (number, "; ".join(program.steps), traceback.format_exc()))
                finally:
                    program.clean()
                steps += len(program.steps)
            checks.ok("programs %d to %d" % (batch * BATCH, (batch + 1) * BATCH - 1), not troubles, "\n".join(troubles))
        session.call("SR.scan", sr)
        checks.equal("nothing is left of them, hidden disks included", len(session.call("VDI.get_all")), before)
    harness.note("%d steps" % steps)
    checks.finish()


main()
