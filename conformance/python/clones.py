"""Snapshots and clones stand on their own, and the thousandth clone costs what the first did."""

import hashlib
import random
import time

import harness
import transfer
import vhd


def independence(checks, work, session, seed):
    generator = random.Random(seed)
    size = 24 << 20
    disk = session.create_vdi(size, "origin")
    states, snapshots = [], []
    data = bytearray(size)
    for _ in range(4):
        offset = generator.randrange(size - (3 << 20)) // 512 * 512
        piece = generator.randbytes(3 << 20)
        data[offset:offset + len(piece)] = piece
        transfer.upload_ranges(session, disk, [(offset, piece)])
        snapshots.append(session.call("VDI.snapshot", disk, {}))
        states.append(hashlib.sha256(data).hexdigest())

    clone = session.call("VDI.clone", snapshots[1], {})
    record = session.call("VDI.get_record", clone)
    checks.ok("a clone of a snapshot is no snapshot", not record["is_a_snapshot"] and record["snapshot_of"] == "OpaqueRef:NULL", record)
    checks.equal("a clone has snapshot_time of the epoch", str(record["snapshot_time"]), "19700101T00:00:00Z")
    checks.equal("a clone equals its snapshot", transfer.export(session, clone).digest, states[1])
    transfer.upload_ranges(session, clone, [(0, b"\xee" * 4096)])
    checks.equal("writing to a clone leaves the snapshot alone", transfer.export(session, snapshots[1]).digest, states[1])

    session.call("VDI.destroy", disk)
    digests = [transfer.export(session, snapshot).digest for snapshot in snapshots]
    checks.equal("after the origin is destroyed its snapshots are unchanged", digests, states)
    session.call("VDI.destroy", snapshots[0])
    session.call("VDI.destroy", snapshots[2])
    digests = [transfer.export(session, snapshots[index]).digest for index in (1, 3)]
    checks.equal("destroying snapshots leaves the others alone", digests, [states[1], states[3]])
    full = transfer.export(session, snapshots[1], work("one.vhd"), "vhd")
    delta = transfer.export(session, snapshots[3], work("three.vhd"), "vhd", base=snapshots[1])
    chain = vhd.content(full.path, delta.path)
    restored = b"".join(chain.get(index, bytes(vhd.BLOCK)) for index in range(size // vhd.BLOCK))
    checks.equal("a differential over destroyed snapshots is right", hashlib.sha256(restored).hexdigest(), states[3])

    for vdi in (clone, snapshots[1], snapshots[3]):
        session.call("VDI.destroy", vdi)


def many(checks, session, seed, count=1000):
    size = 4 << 20
    data = random.Random(seed).randbytes(size)
    disk = session.create_vdi(size, "origin")
    transfer.upload(session, disk, data)
    snapshot = session.call("VDI.snapshot", disk, {})
    refs, times = [], []
    for _ in range(count):
        begin = time.monotonic()
        refs.append(session.call("VDI.clone", snapshot, {}))
        times.append(time.monotonic() - begin)
    first, last = sorted(times[:20])[10], sorted(times[-20:])[10]
    harness.note("clones of one snapshot: %d, median of the first 20 %.2f ms, of the last 20 %.2f ms (%.2f times)"
                 % (count, first * 1000, last * 1000, last / first))
    checks.ok("%d clones, the last ones in about the time of the first" % count, last <= max(5 * 1.5 * first, 0.25), times[-20:])
    expected = hashlib.sha256(data).hexdigest()
    wrong = [ref for ref in refs if transfer.export(session, ref).digest != expected]
    checks.equal("%d clones are all equal to the snapshot" % count, wrong, [])
    for ref in refs:
        session.call("VDI.destroy", ref)
    checks.equal("the snapshot outlives them", transfer.export(session, snapshot).digest, expected)
    session.call("VDI.destroy", snapshot)
    session.call("VDI.destroy", disk)
