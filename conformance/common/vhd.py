"""A small reader and writer of dynamic and differencing VHD files, written from the format's description.

It judges what the server exports, so it shares nothing with the server's own code.
"""

import struct
import uuid

SECTOR = 512
BLOCK = 2 << 20
UNUSED = 0xFFFFFFFF


def _checksum(data, at):
    return ~(sum(data) - sum(data[at:at + 4])) & 0xFFFFFFFF


class Vhd:
    """Footer, header and block table of a file; reads blocks on demand."""

    def __init__(self, path):
        self.path = path
        self.file = open(path, "rb")
        footer = self.file.read(SECTOR)
        self.check(footer[:8] == b"conectix", "footer copy at 0")
        self.check(struct.unpack(">I", footer[64:68])[0] == _checksum(footer, 64), "footer checksum")
        self.size, = struct.unpack(">Q", footer[48:56])
        self.type, = struct.unpack(">I", footer[60:64])
        self.id = uuid.UUID(bytes=footer[68:84])
        self.file.seek(-SECTOR, 2)
        self.check(self.file.read(SECTOR) == footer, "closing footer equals its copy")
        self.file.seek(struct.unpack(">Q", footer[16:24])[0])
        header = self.file.read(1024)
        self.check(header[:8] == b"cxsparse", "header cookie")
        self.check(struct.unpack(">I", header[36:40])[0] == _checksum(header, 36), "header checksum")
        table, _, entries, block = struct.unpack(">QIII", header[16:36])
        self.check(block == BLOCK, "block size")
        self.parent_id = uuid.UUID(bytes=header[40:56])
        self.parent_name = header[64:576].decode("utf-16-be").rstrip("\0")
        self.file.seek(table)
        bat = struct.unpack(">%dI" % entries, self.file.read(4 * entries))
        self.sectors = {index: sector for index, sector in enumerate(bat) if sector != UNUSED}

    def check(self, condition, what):
        if not condition:
            raise ValueError("%s: wrong %s" % (self.path, what))

    def block(self, index):
        """Sector bitmap as a set-bit mask per sector (bytes of 0 or 1) and the data of a block that is present."""
        self.file.seek(self.sectors[index] * SECTOR)
        bitmap = self.file.read(SECTOR)
        data = self.file.read(BLOCK)
        self.check(len(data) == BLOCK, "length of block %d" % index)
        return bitmap, data

    def close(self):
        self.file.close()


def content(*paths):
    """What a chain of files holds, given from the full one to the last differential: block index -> 2 MiB.

    Blocks of zeros count as absent, so that sparse and written-out zeros are the same.
    """
    blocks = {}
    for path in paths:
        image = Vhd(path)
        for index in image.sectors:
            bitmap, data = image.block(index)
            if bitmap == b"\xff" * SECTOR:
                blocks[index] = data
                continue
            merged = bytearray(blocks.get(index, bytes(BLOCK)))
            for sector in range(BLOCK // SECTOR):
                if bitmap[sector >> 3] & (0x80 >> (sector & 7)):
                    merged[sector * SECTOR:(sector + 1) * SECTOR] = data[sector * SECTOR:(sector + 1) * SECTOR]
            blocks[index] = bytes(merged)
        image.close()
    zeros = bytes(BLOCK)
    return {index: data for index, data in blocks.items() if data != zeros}


def write(path, size, blocks):
    """A dynamic VHD with whole blocks (index -> 2 MiB)."""
    entries = -(-size // BLOCK)
    table_bytes = -(-4 * entries // SECTOR) * SECTOR
    footer = bytearray(SECTOR)
    struct.pack_into(">8sIIQI4sIIQQHBBI", footer, 0, b"conectix", 2, 0x10000, 512, 0, b"test", 0x10000, 0, size, size,
                     0xFFFF, 16, 255, 3)
    footer[68:84] = uuid.uuid4().bytes
    struct.pack_into(">I", footer, 64, _checksum(footer, 64))
    header = bytearray(1024)
    struct.pack_into(">8sQQIII", header, 0, b"cxsparse", 0xFFFFFFFFFFFFFFFF, 1536, 0x10000, entries, BLOCK)
    struct.pack_into(">I", header, 36, _checksum(header, 36))
    bat, at = [UNUSED] * (table_bytes // 4), (1536 + table_bytes) // SECTOR
    for index in sorted(blocks):
        bat[index], at = at, at + 1 + BLOCK // SECTOR
    with open(path, "wb") as file:
        file.write(footer + header + struct.pack(">%dI" % len(bat), *bat))
        for index in sorted(blocks):
            file.write(b"\xff" * SECTOR + blocks[index])
        file.write(footer)
    return path
