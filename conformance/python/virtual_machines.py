"""A halted machine with two disks: snapshot, change, revert, clone, destroy."""

import hashlib
import random

import transfer
from xenapi import NULL, fails_with

SIZE = 12 << 20


def snapshot_revert_clone(checks, work, session, seed):
    generator = random.Random(seed)
    data = [generator.randbytes(5 << 20) + bytes(SIZE - (5 << 20)) for _ in range(2)]
    before = [hashlib.sha256(content).hexdigest() for content in data]
    disks = [session.create_vdi(SIZE, "disk %d" % number) for number in range(2)]
    for disk, content in zip(disks, data):
        transfer.upload(session, disk, content)
    vm = session.create_vm("machine", *disks)
    uuid = session.call("VM.get_uuid", vm)

    def digests(machine):
        return [transfer.export(session, disk).digest for disk in session.disks_of(machine)]

    def change():
        for disk in session.disks_of(vm):
            transfer.upload_ranges(session, disk, [(generator.randrange(20) * 65536, generator.randbytes(65536 * 3))])

    # snapshot
    first = session.run_async("VM.snapshot", vm, "first")
    record = session.call("VM.get_record", first)
    checks.ok("a snapshot of a machine is a template and a snapshot of it",
              record["is_a_snapshot"] and record["is_a_template"] and record["snapshot_of"] == vm, record)
    checks.equal("VM.snapshots lists it", session.call("VM.get_snapshots", vm), [first])
    checks.equal("VM.parent is it", session.call("VM.get_parent", vm), first)
    checks.equal("its disks are snapshots of the machine's disks",
                 [session.call("VDI.get_snapshot_of", disk) for disk in session.disks_of(first)], disks)
    checks.equal("its disks are equal", digests(first), before)
    change()
    second = session.call("VM.snapshot", vm, "second")
    between = digests(vm)
    checks.ok("writing to the machine changes it", between != before)
    checks.equal("the first snapshot is unchanged", digests(first), before)
    checks.equal("the second snapshot holds the change", digests(second), between)

    # revert
    session.call("VM.set_name_label", vm, "renamed")
    change()
    session.call("VM.revert", first)
    checks.equal("revert keeps the machine's ref and uuid", session.call("VM.get_uuid", vm), uuid)
    checks.equal("revert brings the name back", session.call("VM.get_name_label", vm), "machine")
    reverted = session.disks_of(vm)
    checks.ok("revert gives new disks", not set(reverted) & set(disks), reverted)
    checks.ok("the old disks are gone", all(fails_with("HANDLE_INVALID", session.call, "VDI.get_uuid", disk) for disk in disks))
    checks.equal("the contents are those of the snapshot", digests(vm), before)
    checks.equal("the snapshot is unchanged", digests(first), before)
    checks.equal("the other snapshot is unchanged", digests(second), between)
    checks.equal("VDI.snapshot_of points to the new disks",
                 [session.call("VDI.get_snapshot_of", disk) for disk in session.disks_of(first)], reverted)
    session.run_async("VM.revert", second)
    checks.equal("reverting to the other snapshot works as well", digests(vm), between)
    checks.ok("revert of a machine that is no snapshot is refused",
              fails_with("REVERT_ONLY_ALLOWED_ON_SNAPSHOT", session.call, "VM.revert", vm))

    # clone
    clone = session.call("VM.clone", first, "clone")
    record = session.call("VM.get_record", clone)
    checks.ok("a clone is no snapshot", not record["is_a_snapshot"] and record["snapshot_of"] == NULL, record)
    checks.equal("a clone of a snapshot has its disks' contents", digests(clone), before)
    session.call("VM.set_is_a_template", clone, False)
    twin = session.run_async("VM.clone", vm, "twin")
    checks.equal("a clone of the machine has its disks' contents", digests(twin), between)

    for machine in (twin, clone, first, second, vm):
        leftovers = session.disks_of(machine)
        session.call("VM.destroy", machine)
        for disk in leftovers:
            session.call("VDI.destroy", disk)
    checks.ok("a destroyed machine is gone", fails_with("HANDLE_INVALID", session.call, "VM.get_record", vm))
    tasks = session.call("task.get_all_records")
    checks.equal("no task of ours is left pending", [task["name_label"] for task in tasks.values() if task["status"] == "pending"], [])
