"""Disk images with a real file system in them, made from real files."""

import os
import random

import harness

BLOCK = 2 << 20


def make_ext4(work, size, seed):
    """An ext4 image of this size, filled for about a third, and a changed copy of it: two paths."""
    generator = random.Random(seed)
    tree, first, second = work("tree"), work("first.img"), work("second.img")
    os.makedirs(tree)
    _copy_files(harness.ROOT, tree, 16 << 20)
    for number in range(12):
        with open(os.path.join(tree, "data-%02d" % number), "wb") as file:
            file.write(generator.randbytes(size // 40))
    _must("mke2fs", "-q", "-F", "-t", "ext4", "-E", "lazy_itable_init=0", "-d", tree, first, str(size >> 10))
    _must("cp", "--sparse=always", first, second)

    # The change a guest would make: one file goes, two come.
    fresh = work("fresh")
    with open(fresh, "wb") as file:
        file.write(generator.randbytes(5 << 20))
    commands = work("commands")
    with open(commands, "w", encoding="utf-8") as file:
        file.write("rm data-03\nwrite %s later-1\nwrite %s later-2\n" % (fresh, commands))
    _must("debugfs", "-w", "-f", commands, second)
    return first, second


def differences(first, second, grain=65536):
    """Ranges in which two files of one size differ: (offset, bytes of the second)."""
    result = []
    with open(first, "rb") as one, open(second, "rb") as two:
        offset = 0
        while True:
            a, b = one.read(grain), two.read(grain)
            if not b:
                return result
            if a != b:
                result.append((offset, b))
            offset += len(b)


def blocks_of(ranges):
    """Indices of the 2 MiB blocks that these ranges touch."""
    return {index for offset, data in ranges for index in range(offset // BLOCK, (offset + len(data) - 1) // BLOCK + 1)}


def file_system_is_clean(path):
    """e2fsck's own verdict; the text is for the failure message."""
    code, out, err = harness.run(harness.tool("e2fsck"), "-fn", path)
    return code == 0, out + err


def _copy_files(source, destination, limit):
    total = 0
    for folder, names, files in os.walk(source):
        names[:] = [name for name in names if name not in ("bin", "obj", "artifacts", "node_modules", ".git", "state")]
        for name in files:
            path = os.path.join(folder, name)
            if os.path.islink(path) or total > limit:
                continue
            goal = os.path.join(destination, os.path.relpath(path, source))
            os.makedirs(os.path.dirname(goal), exist_ok=True)
            with open(path, "rb") as one, open(goal, "wb") as two:
                total += two.write(one.read())


def _must(name, *arguments):
    code, out, err = harness.run(harness.tool(name) or name, *arguments)
    if code != 0:
        raise RuntimeError("%s: %s%s" % (name, out, err))
