"""One random program over a handful of small disks, next to what each of them must hold."""

import os

import transfer
import vhd
import xenapi

BLOCK, SECTOR = vhd.BLOCK, 512
STEPS = 14
CHAIN_TOO_LONG = "SR_BACKEND_FAILURE_109"


class Program:
    def __init__(self, session, sr, work, chance):
        self.session, self.sr, self.work, self.chance = session, sr, work, chance
        self.disks = {}     # ref -> bytearray
        self.origin = {}    # snapshot ref -> ref of what it was taken of
        self.machines = []  # refs
        self.steps = []

    def run(self):
        self.create()
        actions = [self.create, self.write, self.write, self.write, self.snapshot, self.snapshot, self.clone, self.destroy,
                   self.revert, self.export, self.export_difference, self.export_difference, self.copy_by_vhd]
        for _ in range(STEPS):
            action = self.chance.choice(actions)
            self.steps.append(action.__name__)
            action()
        for ref in self.disks:
            self.compare(ref)

    def clean(self):
        for machine in self.machines:
            self.session.call("VM.destroy", machine)
        for ref in list(self.disks):
            self.session.call("VDI.destroy", ref)

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
        elif manner == 1:
            length = self.chance.choice([SECTOR, len(data), len(data) - SECTOR, BLOCK, self.chance.randrange(1, len(data))])
            piece = self.chance.randbytes(length)
            transfer.upload(self.session, ref, piece)
            data[:length] = piece
        else:
            blocks = {self.chance.randrange(len(data) // BLOCK): self.chance.randbytes(BLOCK)}
            transfer.upload(self.session, ref, vhd.write(self.work("written.vhd"), len(data), blocks), "vhd")
            for index, block in blocks.items():
                data[index * BLOCK:(index + 1) * BLOCK] = block

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

    def clone(self):
        self.snapshot("VDI.clone")

    def destroy(self):
        if len(self.disks) > 1:
            ref = self.pick()
            self.session.call("VDI.destroy", ref)
            del self.disks[ref]

    def revert(self):
        """A machine around one disk: snapshot, write, revert; the disk is another one afterwards."""
        disk = self.pick()
        machine = self.session.create_vm("program", disk)
        self.machines.append(machine)
        snapshot = self.session.call("VM.snapshot", machine, "before")
        self.machines.append(snapshot)
        kept = self.session.disks_of(snapshot)[0]
        self.disks[kept] = bytearray(self.disks[disk])
        transfer.upload_ranges(self.session, disk, [(0, self.chance.randbytes(SECTOR))])
        self.session.call("VM.revert", snapshot)
        del self.disks[disk]
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

    def copy_by_vhd(self):
        """A disk goes out as VHD and comes back as another one."""
        if len(self.disks) >= 10:
            return
        ref = self.pick()
        exported = transfer.export(self.session, ref, self.work("copy.vhd"), "vhd")
        copy = self.session.create_vdi(len(self.disks[ref]), "program", self.sr)
        self.disks[copy] = bytearray(self.disks[ref])
        transfer.upload(self.session, copy, exported.path, "vhd")

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
