"""One random program over a handful of small disks, next to what each of them must hold and what changed since when."""

import json
import os

import changes
import nbd_client
import transfer
import vhd
import xenapi

BLOCK, SECTOR = vhd.BLOCK, 512
STEPS = 16
CHAIN_TOO_LONG = "SR_BACKEND_FAILURE_109"
OTHER_SIZE = "SR_BACKEND_FAILURE_459"


class Program:
    def __init__(self, session, sr, work, chance):
        self.session, self.sr, self.work, self.chance = session, sr, work, chance
        self.disks = {}     # ref -> bytearray
        self.origin = {}    # snapshot ref -> ref of what it was taken of
        self.machines = []  # refs
        self.steps = []
        self.logs = changes.Logs()
        self.host = session.call("host.get_all")[0]

    def run(self):
        self.create()
        actions = [self.create, self.write, self.write, self.write, self.snapshot, self.snapshot, self.clone, self.destroy,
                   self.revert, self.export, self.export_difference, self.export_difference, self.copy_by_vhd, self.copy_by_qcow2,
                   self.copy, self.resize, self.guest, self.guest, self.coalesce, self.flatten, self.track, self.changed, self.changed, self.forget_data]
        for _ in range(STEPS):
            action = self.chance.choice(actions)
            self.steps.append(action.__name__)
            action()
        for ref in self.disks:
            self.compare(ref)

    def clean(self):
        for machine in self.machines:
            self.session.call("VM.destroy", machine)
        for ref in [*self.disks, *self.logs.without_data]:
            self.session.call("VDI.destroy", ref)

    def plugin(self, function, **arguments):
        return self.session.call("host.call_plugin", self.host, "xapicompat", function, arguments)

    def pick(self):
        return self.chance.choice(list(self.disks))

    def create(self):
        if len(self.disks) < 8:
            size = self.chance.randrange(1, 4) * BLOCK
            self.disks[self.session.create_vdi(size, "program", self.sr)] = bytearray(size)

    def write(self):
        """First and last sectors of blocks and of the disk, and runs across their borders, in one of three manners."""
        ref = self.pick()
        data = self.disks[ref]
        manner = self.chance.randrange(3)
        if manner == 0:
            ranges = []
            for _ in range(self.chance.randrange(1, 4)):
                edge = self.chance.randrange(len(data) // BLOCK + 1) * BLOCK
                begin = max(0, min(edge - SECTOR * self.chance.randrange(0, 5), len(data) - SECTOR))
                length = min(SECTOR * self.chance.randrange(1, 12), len(data) - begin)
                ranges.append((begin, self.chance.choice([self.chance.randbytes(length), bytes(length)])))
            transfer.upload_ranges(self.session, ref, ranges)
            for begin, piece in ranges:
                data[begin:begin + len(piece)] = piece
                self.logs.write(ref, begin, len(piece))
        elif manner == 1:
            length = self.chance.choice([SECTOR, len(data), len(data) - SECTOR, BLOCK, self.chance.randrange(1, len(data))])
            piece = self.chance.randbytes(length)
            transfer.upload(self.session, ref, piece)
            data[:length] = piece
            self.logs.write(ref, 0, length)
        else:
            blocks = {self.chance.randrange(len(data) // BLOCK): self.chance.randbytes(BLOCK)}
            transfer.upload(self.session, ref, vhd.write(self.work("written.vhd"), len(data), blocks), "vhd")
            for index, block in blocks.items():
                data[index * BLOCK:(index + 1) * BLOCK] = block
                self.logs.write(ref, index * BLOCK, BLOCK)

    def snapshot(self, method="VDI.snapshot"):
        if len(self.disks) >= 10:
            return
        source = self.pick()
        try:
            ref = self.session.call(method, source, {})
        except xenapi.XenError as error:
            if error.code != CHAIN_TOO_LONG:
                raise
            return
        self.disks[ref] = bytearray(self.disks[source])
        self.origin[ref] = source
        if method == "VDI.snapshot":
            self.logs.snapshot(source, ref)

    def clone(self):
        self.snapshot("VDI.clone")

    def destroy(self):
        if len(self.disks) > 1:
            ref = self.pick()
            self.session.call("VDI.destroy", ref)
            del self.disks[ref]
            self.logs.destroy(ref)
        elif self.logs.without_data:
            ref = self.chance.choice(sorted(self.logs.without_data))
            self.session.call("VDI.destroy", ref)
            self.logs.destroy(ref)

    def revert(self):
        """A machine around one disk: snapshot, write, revert; the disk is another one afterwards."""
        disk = self.pick()
        machine = self.session.create_vm("program", disk)
        self.machines.append(machine)
        snapshot = self.session.call("VM.snapshot", machine, "before")
        self.machines.append(snapshot)
        kept = self.session.disks_of(snapshot)[0]
        self.disks[kept] = bytearray(self.disks[disk])
        self.logs.snapshot(disk, kept)
        transfer.upload_ranges(self.session, disk, [(0, self.chance.randbytes(SECTOR))])
        self.logs.write(disk, 0, SECTOR)
        self.session.call("VM.revert", snapshot)
        del self.disks[disk]
        self.logs.destroy(disk)
        self.disks[self.session.disks_of(machine)[0]] = bytearray(self.disks[kept])
        while self.machines:
            self.session.call("VM.destroy", self.machines.pop())

    def export(self):
        ref = self.pick()
        exported = transfer.export(self.session, ref, self.work("full.vhd"), "vhd")
        self.equal(ref, overlay(bytearray(len(self.disks[ref])), exported.path), "VHD export")

    def export_difference(self):
        """Any two disks of one size: the differential over the one gives the other."""
        ref = self.pick()
        bases = [other for other in self.disks if other != ref and len(self.disks[other]) == len(self.disks[ref])]
        if not bases:
            return
        base = self.chance.choice(bases)
        exported = transfer.export(self.session, ref, self.work("delta.vhd"), "vhd", base=base)
        self.equal(ref, overlay(bytearray(self.disks[base]), exported.path), "differential export")

    def resize(self):
        ref = self.pick()
        size = len(self.disks[ref]) + BLOCK * self.chance.randrange(0, 2)
        if size <= 4 * BLOCK:
            before = self.logs.parents.get(ref)
            if before is not None:
                self.logs.grow(ref, len(self.disks[ref]), size, int(self.session.call("VDI.get_virtual_size", before)))
            self.session.call("VDI.resize", ref, str(size))
            self.disks[ref] += bytes(size - len(self.disks[ref]))

    def guest(self):
        """Writes, zeroes and frees like a guest, with a snapshot in the middle of it."""
        ref = self.pick()
        data = self.disks[ref]
        export = json.loads(self.plugin("nbd_export_start", vdi=ref, writable="true"))
        try:
            with nbd_client.Client(export["address"], export["port"], export["exportname"]) as client:
                for step in range(self.chance.randrange(1, 8)):
                    begin = self.chance.randrange(len(data))
                    length = min(len(data) - begin, self.chance.choice([1, 100, SECTOR, 70_000, BLOCK]))
                    manner = self.chance.randrange(4)
                    if manner < 2:
                        piece = self.chance.randbytes(length)
                        client.write(begin, piece, fua=manner == 1)
                    elif manner == 2:
                        piece = bytes(length)
                        client.zero(begin, length, no_hole=step % 2 == 0)
                    else:
                        # What a freed range reads as is not promised; here it is zeroes or what was there.
                        client.trim(begin, length)
                        piece = client.read(begin, length)
                        if piece not in (bytes(length), bytes(data[begin:begin + length])):
                            raise AssertionError("a freed range reads as neither zeroes nor what it was")
                    data[begin:begin + length] = piece
                    self.logs.write(ref, begin, length)
                    if step == 2 and len(self.disks) < 10:
                        snapshot = self.session.call("VDI.snapshot", ref, {})
                        self.disks[snapshot] = bytearray(data)
                        self.logs.snapshot(ref, snapshot)
                client.flush()
                begin = self.chance.randrange(len(data))
                if client.read(begin, len(data) - begin) != data[begin:]:
                    raise AssertionError("a guest reads something else than it wrote")
        except xenapi.XenError as error:
            if error.code != CHAIN_TOO_LONG:
                raise
        finally:
            self.plugin("nbd_export_stop", name=export["name"])

    def coalesce(self):
        self.plugin("coalesce_now", sr=self.sr)

    def flatten(self):
        ref = self.pick()
        self.plugin("flatten_vdi", vdi=ref)
        if "vhd-parent" in self.session.call("VDI.get_sm_config", ref):
            raise AssertionError("a flattened disk has a parent")

    def track(self):
        """Switches changed-block tracking of a disk, now on, now off."""
        ref = self.pick()
        if self.session.call("VDI.get_is_a_snapshot", ref):
            return
        if self.logs.tracks(ref) and self.chance.randrange(4) == 0:
            self.session.call("VDI.disable_cbt", ref)
            self.logs.disable(ref)
        elif not self.logs.tracks(ref):
            self.session.call("VDI.enable_cbt", ref)
            self.logs.enable(ref)

    def changed(self):
        """Between any two states of one line of snapshots exactly the blocks that were written count as changed; sizes may only grow."""
        pairs = self.logs.pairs()
        if not pairs:
            return
        older, newer = self.chance.choice(pairs)
        sizes = [int(self.session.call("VDI.get_virtual_size", ref)) for ref in self.logs.line(older, newer)]
        size = sizes[-1]
        if sizes != sorted(sizes):
            self.refused(OTHER_SIZE, "VDI.list_changed_blocks", older, newer)
            return
        reported = changes.blocks(self.session.call("VDI.list_changed_blocks", older, newer), size)
        expected = self.logs.between(older, newer)
        if reported != expected:
            raise AssertionError("changed blocks: %s more, %s less" % (sorted(reported - expected), sorted(expected - reported)))

    def refused(self, code, method, *arguments):
        try:
            self.session.call(method, *arguments)
        except xenapi.XenError as error:
            if error.code == code:
                return
            raise
        raise AssertionError("%s was not refused with %s" % (method, code))

    def forget_data(self):
        snapshots = [ref for ref in self.disks if self.logs.tracks(ref) and self.session.call("VDI.get_is_a_snapshot", ref)]
        if snapshots and len(self.disks) > 1:
            ref = self.chance.choice(snapshots)
            self.session.call("VDI.data_destroy", ref)
            del self.disks[ref]
            self.logs.without_data.add(ref)

    def copy(self):
        if len(self.disks) < 10:
            ref = self.pick()
            self.disks[self.session.call("VDI.copy", ref, self.sr)] = bytearray(self.disks[ref])

    def copy_by_qcow2(self):
        self.copy_by("qcow2")

    def copy_by_vhd(self):
        self.copy_by("vhd")

    def copy_by(self, format):
        """A disk goes out and comes back as another one."""
        if len(self.disks) >= 10:
            return
        ref = self.pick()
        exported = transfer.export(self.session, ref, self.work("copy." + format), format)
        copy = self.session.create_vdi(len(self.disks[ref]), "program", self.sr)
        self.disks[copy] = bytearray(self.disks[ref])
        transfer.upload(self.session, copy, exported.path, format)

    def compare(self, ref):
        exported = transfer.export(self.session, ref, self.work("raw.img"))
        with open(exported.path, "rb") as file:
            self.equal(ref, file.read(), "raw export")

    def equal(self, ref, actual, what):
        expected = self.disks[ref]
        if actual == expected:
            return
        first = next((at for at in range(0, len(expected), SECTOR) if actual[at:at + SECTOR] != expected[at:at + SECTOR]), None)
        raise AssertionError("%s: %d bytes of %d, first difference in the sector at %s" % (what, len(actual), len(expected), first))


def overlay(data, path):
    """Writes what a VHD holds over these bytes."""
    image = vhd.Vhd(path)
    for index in image.sectors:
        bitmap, block = image.block(index)
        if bitmap != b"\xff" * SECTOR:
            raise AssertionError("a block of an export has holes")
        data[index * BLOCK:(index + 1) * BLOCK] = block
    image.close()
    os.remove(path)
    return data
