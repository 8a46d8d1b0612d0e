"""Random disks over NBD, read by foreign clients: bytes and maps equal. XAPICOMPAT_SOAK: 200 disks instead of 20."""

import base64
import hashlib
import json
import os
import random
import time
import traceback

import clients
import harness
import transfer
import vhd
import xenapi

DISKS = 200 if harness.SOAK else 20
BLOCK = 2 << 20
GRAIN = 65536


class Rig:
    """A server, its clients, and how its networks are meant."""

    def __init__(self, server, session, work):
        self.server, self.session, self.work = server, session, work
        self.host = session.call("host.get_all")[0]
        self.sr = session.default_sr()
        self.network = next(session.call("PIF.get_network", pif) for pif in session.call("PIF.get_all") if session.call("PIF.get_IP", pif))
        self.tls = work("pki")
        os.mkdir(self.tls)
        with open(os.path.join(self.tls, "ca-cert.pem"), "w", encoding="ascii") as file:
            file.write(session.call("host.get_server_certificate", self.host))
        here = os.path.dirname(os.path.abspath(__file__))
        installed = harness.tool("node") and os.path.exists(os.path.join(here, "node_modules", ".installed-from"))
        self.vates = clients.Vates() if installed else None

    def purpose(self, wanted):
        for old in self.session.call("network.get_purpose", self.network):
            if old != wanted:
                self.session.call("network.remove_purpose", self.network, old)
        self.session.call("network.add_purpose", self.network, wanted)

    def disk(self, vdi):
        """The export of a disk as VDI.get_nbd_info has it."""
        info = self.session.call("VDI.get_nbd_info", vdi)[0]
        secure = "nbd" in self.session.call("network.get_purpose", self.network)
        return clients.Place(info["address"], info["port"], info["exportname"], self.tls if secure else None, info["cert"])

    def start(self, vdi, name, writable=True):
        """A live export by the plugin."""
        answer = json.loads(self.plugin("nbd_export_start", vdi=vdi, writable="true" if writable else "false", name=name))
        return clients.Place(answer["address"], answer["port"], answer["exportname"], self.tls if answer["tls"] else None)

    def stop(self, name):
        self.plugin("nbd_export_stop", name=name)

    def plugin(self, function, **arguments):
        return self.session.call("host.call_plugin", self.host, "xapicompat", function, arguments)


def random_image(path, rnd):
    """A sparse file of some blocks of 2 MiB, with runs of data of any alignment. Returns its size."""
    size = rnd.randrange(1, 9) * BLOCK
    with open(path, "wb") as file:
        file.truncate(size)
        for _ in range(rnd.randrange(0, 7)):
            offset = rnd.randrange(size)
            file.seek(offset)
            file.write(rnd.randbytes(min(size - offset, rnd.randrange(1, rnd.choice((600, 70_000, 3_000_000))))))
    return size


def changes(rnd, size):
    """Writes at random places, as (offset, bytes)."""
    result = []
    for _ in range(rnd.randrange(1, 6)):
        offset = rnd.randrange(size)
        result.append((offset, rnd.randbytes(min(size - offset, rnd.randrange(1, 200_000)))))
    return result


def fill(rig, vdi, image, number):
    """Puts an image on a disk by one of three ways."""
    if number % 3 == 0:
        transfer.upload(rig.session, vdi, image)
        return
    place = rig.start(vdi, "fill")
    if number % 3 == 1:
        clients.must("nbdcopy", "--flush", image, place.uri)
    else:
        # Only the target has options of its own in qemu-img's command line.
        target = place.qemu()[-1] if not place.tls else None
        if target:
            clients.must("qemu-img", "convert", "-n", "-f", "raw", "--target-image-opts", image, target)
        else:
            clients.must("nbdcopy", image, place.uri)
    rig.stop("fill")


def stored_blocks(rig, vdi):
    """What an independent reader finds in the disk's VHD: the map of base:allocation."""
    path = rig.work("stored.vhd")
    transfer.export(rig.session, vdi, path, format="vhd")
    image = vhd.Vhd(path)
    runs = [(index * BLOCK, BLOCK, 0 if index in image.sectors else 3) for index in range(image.size // BLOCK)]
    image.close()
    return clients.merged(runs)


def check_disk(rig, rnd, number, has):
    rig.purpose("nbd" if number % 2 else "insecure_nbd")
    image, copy = rig.work("image"), rig.work("copy")
    size = random_image(image, rnd)
    vdi = rig.session.create_vdi(size)
    fill(rig, vdi, image, number)
    snapshot = rig.session.call("VDI.snapshot", vdi)
    place = rig.disk(snapshot)
    digest = clients.sha256(image)
    stored = stored_blocks(rig, snapshot)

    def equal(what, actual, expected):
        if actual != expected:
            raise AssertionError("%s: %r is not %r" % (what, actual, expected))

    if has("nbdinfo"):
        equal("nbdinfo --map", clients.nbdinfo_map(place), stored)
        clients.must("nbdcopy", place.uri, copy)
        equal("nbdcopy", clients.sha256(copy), digest)
    if has("qemu-img"):
        clients.must(*place.qemu("qemu-img", "convert", "-O", "raw"), copy)
        equal("qemu-img convert", clients.sha256(copy), digest)
        equal("qemu-img map", clients.qemu_map(place), stored)
    if has("libnbd"):
        handle = clients.open_libnbd(place, "base:allocation")
        equal("libnbd block status", clients.libnbd_map(handle, "base:allocation"), stored)
        equal("libnbd pread", hashlib.sha256(handle.pread(size, 0)).hexdigest(), digest)
        handle.shutdown()
    if rig.vates:
        answer = rig.vates.read(place, rnd.choice((1, 4)), not place.tls and has("nbdinfo"))
        equal("@vates/nbd-client", (answer["size"], answer["sha256"]), (size, digest))
        if "map" in answer:
            equal("its getMap", clients.merged((r["offset"], r["length"], r["type"]) for r in answer["map"]), stored)
    for disk in (snapshot, vdi):
        destroy(rig, disk)


def destroy(rig, vdi):
    """Clients leave without waiting for the server to notice."""
    end = time.monotonic() + 60
    while True:
        try:
            rig.session.call("VDI.destroy", vdi)
            return
        except xenapi.XenError as error:
            if error.code != "VDI_IN_USE" or time.monotonic() > end:
                raise
        time.sleep(0.01)


def check_changes(rig, rnd, number):
    """Writes through a live export between two snapshots; the bitmap says where, and reading only that gives the second one."""
    rig.purpose("nbd" if number % 2 else "insecure_nbd")
    image = rig.work("image")
    size = random_image(image, rnd)
    vdi = rig.session.create_vdi(size)
    transfer.upload(rig.session, vdi, image)
    rig.session.call("VDI.enable_cbt", vdi)
    first = rig.session.call("VDI.snapshot", vdi)
    name = "qemu:dirty-bitmap:" + rig.session.call("VDI.get_uuid", first)
    live = clients.open_libnbd(rig.start(vdi, "guest"))
    for offset, data in changes(rnd, size):
        live.pwrite(data, offset)
    live.zero(min(size, 100_000), 0)
    second = rig.session.call("VDI.snapshot", vdi)
    live.pwrite(b"behind the second snapshot", 0)
    live.shutdown()
    rig.stop("guest")

    bits = base64.b64decode(rig.session.call("VDI.list_changed_blocks", first, second))
    listed = clients.merged((i * GRAIN, min(GRAIN, size - i * GRAIN), bits[i >> 3] >> (7 - (i & 7)) & 1) for i in range(size // GRAIN))
    place = rig.disk(second)
    offered = clients.must("nbdinfo", "--json", place.uri)
    if name not in json.loads(offered)["exports"][0]["contexts"]:
        raise AssertionError(name + " is not offered: " + offered)
    if clients.nbdinfo_map(place, name) != listed:
        raise AssertionError("nbdinfo --map=%s is not list_changed_blocks" % name)
    handle = clients.open_libnbd(place, name, "base:allocation")
    with open(image, "r+b") as file:
        for offset, length, kind in clients.libnbd_map(handle, name):
            if kind & 1:
                file.seek(offset)
                file.write(handle.pread(length, offset))
    if clients.sha256(image) != hashlib.sha256(handle.pread(size, 0)).hexdigest():
        raise AssertionError("the first snapshot and the changed blocks are not the second")
    handle.shutdown()
    for disk in (second, first, vdi):
        destroy(rig, disk)


def main():
    harness.note("seed %d (XAPICOMPAT_SEED repeats it), %d disks" % (harness.SEED, DISKS))
    checks = harness.Checks()
    found = {tool: bool(harness.tool(tool)) for tool in ("nbdinfo", "nbdcopy", "qemu-img")}
    found["nbdinfo"] = found["nbdinfo"] and found["nbdcopy"]
    try:
        import nbd
        harness.note("libnbd %s" % nbd.NBD().get_version())
        found["libnbd"] = True
    except ImportError:
        found["libnbd"] = False
    with harness.WorkDirectory() as work, harness.Server(work("state"), "--nbd", "127.0.0.1:0") as server:
        rig = Rig(server, xenapi.Session(server.http), work)
        for name, there in (("nbdinfo and nbdcopy", found["nbdinfo"]), ("qemu-img", found["qemu-img"]), ("libnbd for Python", found["libnbd"]), ("@vates/nbd-client", rig.vates)):
            if not there:
                checks.skip(name, "not installed")
        for number in range(DISKS):
            run(checks, "disk %d, %s" % (number, "TLS" if number % 2 else "plain"), check_disk, rig, random.Random(harness.SEED * 10007 + number), number, found.get)
        if found["libnbd"] and found["nbdinfo"]:
            for number in range(DISKS // 4):
                run(checks, "changed blocks %d, %s" % (number, "TLS" if number % 2 else "plain"), check_changes, rig, random.Random(harness.SEED * 20011 + number), number)
        if rig.vates:
            rig.vates.close()
    checks.finish()


def run(checks, name, function, *arguments):
    try:
        function(*arguments)
        checks.ok(name)
    except Exception:  # noqa: BLE001 - the finding
        checks.ok(name, False, traceback.format_exc())


main()
