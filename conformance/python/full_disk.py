"""A state directory on a file system that runs full: the task fails with the documented error, nothing else suffers."""

import contextlib
import os
import random

import harness
import transfer
import xenapi

SIZE = 48 << 20


@contextlib.contextmanager
def small_file_system(path):
    """A tmpfs of SIZE bytes; nothing where mounting is not allowed."""
    os.makedirs(path)
    code, _, _ = harness.run("mount", "-t", "tmpfs", "-o", "size=%d" % SIZE, "none", path)
    try:
        yield code == 0
    finally:
        if code == 0:
            harness.run("umount", path)


def run(checks, work, seed):
    with small_file_system(work("small")) as mounted:
        if not mounted:
            harness.note("full disk: mounting a small file system is not allowed here, the part was left out")
            return
        with harness.Server(os.path.join(work("small"), "state")) as server:
            fill(checks, work, xenapi.Session(server.http), random.Random(seed))
            checks.equal("the server stops cleanly", server.stop()[0], 0)


def fill(checks, work, session, generator):
    good, big = session.create_vdi(4 << 20, "good"), session.create_vdi(64 << 20, "too big")
    transfer.upload_ranges(session, good, [(0, generator.randbytes(4 << 20))])
    before = transfer.export(session, good)
    with open(work("big.raw"), "wb") as file:
        file.write(generator.randbytes(64 << 20))
    failures = []
    for form in ("raw", "raw"):
        try:
            transfer.upload(session, big, work("big.raw"), form)
        except (xenapi.XenError, OSError) as failure:
            failures.append(failure)
    checks.equal("uploads that do not fit fail", len(failures), 2)
    checks.ok("with the documented error", all(getattr(f, "code", "") in ("VDI_IO_ERROR", "SR_BACKEND_FAILURE_44") for f in failures), failures)
    checks.ok("other disks keep their bytes", transfer.export(session, good).digest == before.digest)
    checks.ok("no attachment is left", all(not session.call("VBD.get_currently_attached", vbd) for vbd in session.call("VDI.get_VBDs", big)))
    checks.equal("no operation is left", session.call("VDI.get_current_operations", big), {})
    try:
        for _ in range(64):
            session.call("VDI.snapshot", good, {})
        checks.ok("snapshots go on or are refused", True)
    except xenapi.XenError as failure:
        checks.ok("snapshots go on or are refused", failure.code in ("SR_BACKEND_FAILURE_44", "OUT_OF_SPACE"), failure)
    session.call("VDI.destroy", big)
    transfer.upload_ranges(session, good, [(0, b"again")])
    checks.ok("after destroying the disk that did not fit there is room again", transfer.export(session, good).digest != before.digest)
