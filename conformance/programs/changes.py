"""What changed between snapshots: a model of changed-block tracking, one set of blocks of 64 KiB per tracked state."""

import base64

GRAIN = 65536


def blocks(bitmap, size):
    """Numbers of the blocks that are set in what list_changed_blocks answers for a disk of this size."""
    data = base64.b64decode(bitmap)
    count = -(-size // GRAIN)
    if len(data) != -(-count // 8):
        raise AssertionError("%d bytes of bitmap for %d blocks" % (len(data), count))
    found = {number for number in range(len(data) * 8) if data[number // 8] & (0x80 >> number % 8)}
    if found and max(found) >= count:
        raise AssertionError("a block behind the end")
    return found


class Logs:
    def __init__(self):
        self.parents = {}         # tracked ref -> the tracked state before it, or None
        self.written = {}         # tracked ref -> blocks written between that state and this
        self.without_data = set()  # tracked refs whose data is destroyed

    def tracks(self, ref):
        return ref in self.parents

    def enable(self, ref):
        self.parents[ref], self.written[ref] = None, set()

    def disable(self, ref):
        del self.parents[ref], self.written[ref]

    def write(self, ref, offset, length):
        """What is written to a snapshot also sets it apart from what came after it."""
        for tracked, parent in self.parents.items():
            if ref in (tracked, parent):
                self.written[tracked].update(range(offset // GRAIN, (offset + length - 1) // GRAIN + 1))

    def grow(self, ref, old, new, before):
        """What the state before (of this size) holds behind the old end may differ from the zeroes that are there now."""
        if self.parents.get(ref) is not None:
            self.written[ref].update(range(old // GRAIN, max(old, min(new, before)) // GRAIN))

    def snapshot(self, source, snapshot):
        if source in self.parents:
            self.parents[snapshot], self.written[snapshot] = self.parents[source], self.written[source]
            self.parents[source], self.written[source] = snapshot, set()

    def destroy(self, ref):
        if ref in self.parents:
            for child in [child for child, parent in self.parents.items() if parent == ref]:
                self.parents[child] = self.parents[ref]
                self.written[child] |= self.written[ref]
            self.disable(ref)
        self.without_data.discard(ref)

    def pairs(self):
        """All (older, newer) on one line."""
        return [(older, newer) for newer in self.parents for older in self._before(newer)]

    def line(self, older, newer):
        """The states from one to the other, both included."""
        line = [newer]
        while line[-1] != older:
            line.append(self.parents[line[-1]])
        return line[::-1]

    def between(self, older, newer):
        return set().union(*(self.written[ref] for ref in self.line(older, newer)[1:]))

    def _before(self, ref):
        while (ref := self.parents[ref]) is not None:
            yield ref
