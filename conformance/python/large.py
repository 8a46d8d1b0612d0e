"""The recipe on disks that nobody wants to read in full: compared through their VHDs."""

import os
import random

import harness
import transfer
import vhd
import walkthrough

DATA = 64 << 20


def back_up_and_restore(checks, work, session, size, expected_report, seed):
    generator = random.Random(seed)
    written = {}

    def write(disk, total):
        """Pieces of data at the very start, the very end and in between."""
        pieces, piece = [], 1 << 20
        offsets = [0, size - piece] + [generator.randrange(size // piece) * piece for _ in range(total // piece - 2)]
        for offset in offsets:
            data = generator.randbytes(piece)
            pieces.append((offset, data))
            written[offset] = data
        transfer.upload_ranges(session, disk, pieces)

    def expected():
        blocks = {}
        for offset, data in written.items():
            block = blocks.setdefault(offset // vhd.BLOCK, bytearray(vhd.BLOCK))
            block[offset % vhd.BLOCK:offset % vhd.BLOCK + len(data)] = data
        return {index: bytes(data) for index, data in blocks.items()}

    disk = session.create_vdi(size, "large")
    checks.equal("virtual_size", session.call("VDI.get_virtual_size", disk), str(size))
    write(disk, DATA)
    full = session.call("VDI.snapshot", disk, {})
    first = expected()
    exported_full = transfer.export(session, full, work("full.vhd"), "vhd")
    checks.ok("the full export holds what was written", vhd.content(exported_full.path) == first)
    checks.ok("the full export is sparse", exported_full.size < 2 * DATA + (16 << 20) + DATA, exported_full.size)

    write(disk, 8 << 20)
    delta = session.call("VDI.snapshot", disk, {})
    exported_delta = transfer.export(session, delta, work("delta.vhd"), "vhd", base=session.call("VDI.get_uuid", full))
    checks.ok("the differential holds the 8 changed blocks at most", len(vhd.Vhd(exported_delta.path).sectors) <= 8)
    checks.ok("full and differential together hold everything", vhd.content(exported_full.path, exported_delta.path) == expected())

    reported = walkthrough.size_from_qemu_img(exported_delta.path)
    checks.equal("size by qemu-img info", reported, expected_report)
    restored = session.create_vdi(reported, "restored")
    checks.equal("restored virtual_size", session.call("VDI.get_virtual_size", restored), str(size))
    transfer.upload(session, restored, exported_full.path, "vhd")
    transfer.upload(session, restored, exported_delta.path, "vhd")
    result = transfer.export(session, restored, work("restored.vhd"), "vhd")
    checks.ok("the restored disk holds everything", vhd.content(result.path) == expected())
    whole = transfer.export(session, delta, work("whole.vhd"), "vhd")
    code, out, err = harness.run("qemu-img", "compare", "--image-opts", walkthrough.vpc(result.path), walkthrough.vpc(whole.path))
    checks.ok("qemu-img: restored disk and snapshot are equal", code == 0, out + err)
    checks.ok("the first snapshot is unchanged", vhd.content(transfer.export(session, full, work("again.vhd"), "vhd").path) == first)

    for vdi in (restored, delta, full, disk):
        session.call("VDI.destroy", vdi)
    for name in ("full.vhd", "delta.vhd", "restored.vhd", "whole.vhd", "again.vhd"):
        os.remove(work(name))
