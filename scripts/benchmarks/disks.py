"""Disk transfers and snapshots beside the tools that people use for them, all on a memory file system.

The disk: 4 GiB, 1 GiB of random data in extents of 64 KiB to 16 MiB, the same one in every run.
"""

import contextlib
import json
import os
import random
import shutil
import socket
import statistics
import struct
import subprocess
import tempfile
import threading
import time
import urllib.parse
import uuid

import harness
import transfer
import xenapi

GIB, MIB = 1 << 30, 1 << 20
VIRTUAL, DATA = 4 * GIB, GIB
ROUNDS = 5
CURL = ["curl", "-ksSf", "-H", "Expect:", "-o"]


class Memory:
    """A work directory on a memory file system, if there is one with room."""

    def __enter__(self):
        shm = "/dev/shm"
        place = shm if os.path.isdir(shm) and shutil.disk_usage(shm).free > 14 * GIB else None
        self.path = tempfile.mkdtemp(prefix="xapicompat-bench-", dir=place)
        return self

    def __call__(self, name):
        return os.path.join(self.path, name)

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


def make_image(path, seed=1):
    generator = random.Random(seed)
    with open(path, "wb") as file:
        file.truncate(VIRTUAL)
        # Extents may overlap, so what is stored counts.
        while (left := DATA - os.stat(path).st_blocks * 512) > 0:
            length = min(left, int(2 ** generator.uniform(16, 24)) // 4096 * 4096)
            file.seek(generator.randrange((VIRTUAL - length) // 4096) * 4096)
            file.write(generator.randbytes(length))
            file.flush()
    return os.stat(path).st_blocks * 512


def seconds(*command):
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return time.perf_counter() - begin


def medians(**works):
    """Runs the works in turn, so that a slow moment of the machine hits all of them; seconds by name."""
    taken = {name: [] for name in works}
    for work in works.values():
        work()
    for _ in range(ROUNDS):
        for name, work in works.items():
            begin = time.perf_counter()
            result = work()
            taken[name].append(result if isinstance(result, float) else time.perf_counter() - begin)
    return {name: statistics.median(times) for name, times in taken.items()}


@contextlib.contextmanager
def nginx(root, sendfile):
    """Sends files of a directory; the way with buffers is the faster one on loopback."""
    with tempfile.TemporaryDirectory() as place:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        way = "sendfile on;" if sendfile else "sendfile off; output_buffers 2 128k;"
        with open(os.path.join(place, "nginx.conf"), "w", encoding="ascii") as config:
            config.write("daemon off; worker_processes 1; user root; pid %s/pid; error_log /dev/null; events {}\n"
                         "http { access_log off; default_type application/octet-stream; %s\n"
                         "client_body_temp_path %s; proxy_temp_path %s; fastcgi_temp_path %s; uwsgi_temp_path %s; scgi_temp_path %s;\n"
                         "server { listen 127.0.0.1:%d; root %s; } }\n" % (place, way, place, place, place, place, place, port, root))
        process = subprocess.Popen([harness.tool("nginx"), "-c", os.path.join(place, "nginx.conf"), "-p", place], stderr=subprocess.DEVNULL)
        try:
            for _ in range(100):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.05)
            yield "http://127.0.0.1:%d/" % port
        finally:
            process.terminate()
            process.wait()


@contextlib.contextmanager
def dropping_reader():
    """Takes one upload per connection and keeps nothing: the bound of what a receiver can do."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        buffer = bytearray(256 << 10)
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(65536)
                fields = head.split(b"\r\n\r\n", 1)
                length = next(int(line.split(b":")[1]) for line in fields[0].lower().split(b"\r\n") if line.startswith(b"content-length:"))
                got = len(fields[1])
                while got < length:
                    got += connection.recv_into(buffer)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield "http://127.0.0.1:%d/" % listener.getsockname()[1]
    finally:
        listener.close()


def send_large(path, url):
    """Uploads a file in large pieces; seconds to the end of the answer."""
    parts = urllib.parse.urlsplit(url)
    buffer = memoryview(bytearray(256 << 10))
    begin = time.perf_counter()
    with open(path, "rb", buffering=0) as file, socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.sendall(b"PUT %s?%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (
            parts.path.encode(), parts.query.encode(), os.stat(path).st_size))
        while count := file.readinto(buffer):
            connection.sendall(buffer[:count])
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    taken = time.perf_counter() - begin
    if not answer.startswith(b"HTTP/1.1 200") or not answer.endswith(b"0\r\n\r\n"):
        raise IOError("the upload was refused: %r" % answer[:200])
    return taken


def resident(pid, field="VmRSS"):
    with open("/proc/%d/status" % pid, encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field)) / 1024


def quiet(session):
    """No collector, so that depth and files are what the benchmark makes them."""
    session.call("SR.add_to_other_config", session.default_sr(), "gc", "false")


def exports(show, session, server, work, image, disk):
    def url(handler, **query):
        return session.url + transfer.target(handler, session_id=session.ref, **query)

    raw_url, vhd_url = url("export_raw_vdi", vdi=disk), url("export_raw_vdi", vdi=disk, format="vhd")
    peer_vhd = work("peer.vhd")

    def convert():
        return seconds("qemu-img", "convert", "-O", "vpc", "-o", "subformat=dynamic,force_size=on", image, peer_vhd)

    with nginx(work.path, True) as fast, nginx(work.path, False) as buffered:
        name = os.path.basename(image)
        taken = medians(
            sendfile=lambda: seconds(*CURL, "/dev/null", fast + name),
            buffers=lambda: seconds(*CURL, "/dev/null", buffered + name),
            ours=lambda: seconds(*CURL, "/dev/null", raw_url))
        peer = min(taken["sendfile"], taken["buffers"])
        show("raw export, virtual MB/s", VIRTUAL / 1e6 / taken["ours"], "MB/s", VIRTUAL / 1e6 / peer, "better nginx")

        before, peak = resident(server.ready["pid"]), [0.0]
        stop = threading.Event()

        def watch():
            while not stop.wait(0.01):
                peak[0] = max(peak[0], resident(server.ready["pid"]))

        watcher = threading.Thread(target=watch)
        watcher.start()
        seconds(*CURL, "/dev/null", raw_url)
        seconds(*CURL, "/dev/null", vhd_url)
        stop.set()
        watcher.join()
        show("  resident memory that exports add", max(0.0, peak[0] - before), "MiB")

        taken = medians(
            convert=convert,
            script=lambda: convert() + seconds(*CURL, "/dev/null", buffered + "peer.vhd"),
            ours=lambda: seconds(*CURL, "/dev/null", vhd_url))
        show("VHD export, data MB/s", DATA / 1e6 / taken["ours"], "MB/s", DATA / 1e6 / taken["script"], "qemu-img convert, then nginx")
        show("VHD export, data MB/s", DATA / 1e6 / taken["ours"], "MB/s", DATA / 1e6 / taken["convert"], "qemu-img convert alone")


def differential(show, session, disk):
    first = session.call("VDI.snapshot", disk, {})
    generator = random.Random(2)
    block = 2 * MIB
    chosen = generator.sample(range(VIRTUAL // block), 128)
    transfer.upload_ranges(session, disk, ((number * block, generator.randbytes(block)) for number in sorted(chosen)))
    second = session.call("VDI.snapshot", disk, {})

    def url(**query):
        return session.url + transfer.target("export_raw_vdi", session_id=session.ref, vdi=second, format="vhd", **query)

    sizes = {}
    for name, base in (("full", None), ("difference", first)):
        sizes[name] = int(subprocess.run([*CURL, "/dev/null", "-w", "%{size_download}", url(base=base)], check=True, capture_output=True).stdout)
    taken = medians(full=lambda: seconds(*CURL, "/dev/null", url()), difference=lambda: seconds(*CURL, "/dev/null", url(base=first)))
    show("differential export, stream MB/s", sizes["difference"] / 1e6 / taken["difference"], "MB/s", sizes["full"] / 1e6 / taken["full"], "own full export")
    show("  bytes sent per changed byte", sizes["difference"] / (128 * block), "")
    for snapshot in (first, second):
        session.call("VDI.destroy", snapshot)


def imports(show, session, work, image):
    peer_vhd = work("peer.vhd")

    def curl(path, url):
        return seconds(*CURL, "/dev/null", "-T", path, url)

    def upload(path, format, send=curl):
        # Each time onto a fresh disk, as restores do.
        disk = session.create_vdi(VIRTUAL)
        target = session.url + transfer.target("import_raw_vdi", session_id=session.ref, vdi=disk, format=format)
        taken = send(path, target)
        session.call("VDI.destroy", disk)
        return taken

    def back():
        taken = seconds("qemu-img", "convert", "-f", "vpc", "-O", "raw", peer_vhd, work("peer.raw"))
        os.remove(work("peer.raw"))
        return taken

    with dropping_reader() as sink:
        taken = medians(peer=lambda: seconds(*CURL, "/dev/null", "-T", image, sink), ours=lambda: upload(image, "raw"))
        show("raw import, virtual MB/s", VIRTUAL / 1e6 / taken["ours"], "MB/s", VIRTUAL / 1e6 / taken["peer"], "a reader that drops it")
        taken = medians(
            peer=back, dropped=lambda: curl(peer_vhd, sink), curl=lambda: upload(peer_vhd, "vhd"), ours=lambda: upload(peer_vhd, "vhd", send_large))
    peer = DATA / 1e6 / taken["peer"]
    show("VHD import, data MB/s", DATA / 1e6 / taken["ours"], "MB/s", peer, "qemu-img vhd to raw")
    # curl sends 64 KiB at a time, and that is what bounds it.
    show("  sent by curl", DATA / 1e6 / taken["curl"], "MB/s", peer, "qemu-img vhd to raw")
    show("  sent by curl to a reader that drops it", DATA / 1e6 / taken["dropped"], "MB/s", peer, "qemu-img vhd to raw")


def nbd(show, session, image, disk):
    if not harness.tool("nbdkit") or not harness.tool("nbdcopy"):
        print("NBD: nbdkit or nbdcopy is not installed")
        return
    snapshot = session.call("VDI.snapshot", disk, {})
    started = _start_nbd(session, snapshot)
    process = subprocess.Popen(["nbdkit", "-f", "-p", str(_free_port()), "-i", "127.0.0.1", "file", image], stderr=subprocess.DEVNULL)
    port = process.args[3]
    try:
        time.sleep(0.5)
        taken = medians(
            peer=lambda: seconds("nbdcopy", "nbd://127.0.0.1:%s" % port, "null:"),
            ours=lambda: seconds("nbdcopy", started, "null:"))
        show("NBD read, data MB/s", DATA / 1e6 / taken["ours"], "MB/s", DATA / 1e6 / taken["peer"], "nbdkit file")
    finally:
        process.terminate()
        process.wait()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _start_nbd(session, vdi):
    host = session.call("host.get_all")[0]
    answer = json.loads(session.call("host.call_plugin", host, "xapicompat", "nbd_export_start", {"vdi": vdi, "writable": "false"}))
    return "nbd://%s:%d/%s" % (answer["address"], answer["port"], urllib.parse.quote(answer["exportname"], safe=""))


def write_a_little(session, disk, position):
    transfer.upload_ranges(session, disk, [(position * 2 * MIB, os.urandom(4096))])


def depths(show, session, work):
    """Snapshots of disks at depth 1 and at depth 29, and of a machine with one disk."""
    base = work("base.raw")
    with open(base, "wb") as file:
        file.truncate(VIRTUAL)

    def qemu_create():
        path = work("overlay.qcow2")
        taken = seconds("qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "raw", path)
        os.remove(path)
        return taken

    def timed(method, *arguments):
        begin = time.perf_counter()
        session.call(method, *arguments)
        return time.perf_counter() - begin

    shallow, deep, machines, peers = [], [], [], []
    session.call("VDI.snapshot", session.create_vdi(VIRTUAL), {})
    for _ in range(12):
        disk = session.create_vdi(VIRTUAL)
        for depth in range(1, 30):
            write_a_little(session, disk, depth)
            taken = timed("VDI.snapshot", disk, {})
            if depth == 1:
                shallow.append(taken)
            elif depth == 29:
                deep.append(taken)
        peers.append(qemu_create())
        lone = session.create_vdi(VIRTUAL)
        vm = session.create_vm("machine", lone)
        write_a_little(session, lone, 1)
        machines.append(timed("VM.snapshot", vm, "snapshot"))
        peers.append(qemu_create())
    peer = statistics.median(peers) * 1000
    show("VDI.snapshot", statistics.median(shallow) * 1000, "ms", peer, "qemu-img create -b, ms", smaller=True)
    show("VDI.snapshot at depth 29", statistics.median(deep) * 1000, "ms", statistics.median(shallow) * 1000, "own at depth 1, ms", smaller=True)
    show("VM.snapshot, one disk", statistics.median(machines) * 1000, "ms", peer, "qemu-img create -b, ms", smaller=True)


def many(show, work):
    """A repository with 100,000 disks, made by somebody else: one file each."""
    os.makedirs(work("roots"))
    with harness.Server(work("many"), "--sr-root", work("roots")) as server:
        session = xenapi.Session(server.http)
        few = _repository(session, work("roots/few"), 100)
        small = statistics.median(_snapshot_times(session, few))
        begin = time.perf_counter()
        large = _repository(session, work("roots/large"), 100_000)
        print("# %.0f s to make and introduce 100,000 disks" % (time.perf_counter() - begin), flush=True)
        begin = time.perf_counter()
        session.call("SR.scan", large)
        show("SR.scan with 100,000 disks", time.perf_counter() - begin, "s")
        show("VDI.snapshot among 100,000 disks", statistics.median(_snapshot_times(session, large)) * 1000, "ms", small * 1000, "among 100, ms", smaller=True)


def _snapshot_times(session, sr):
    times = []
    for disk in session.call("SR.get_VDIs", sr)[:30]:
        begin = time.perf_counter()
        session.call("VDI.snapshot", disk, {})
        times.append(time.perf_counter() - begin)
    return times


def _repository(session, place, count):
    """A file SR over a directory of VHDs that were made without the server."""
    os.makedirs(place)
    template = session.create_vdi(64 * MIB)
    name = session.call("VDI.get_uuid", template) + ".vhd"
    state = next(os.path.join(root, name) for root, _, files in os.walk(os.path.dirname(os.path.dirname(place))) if name in files)
    with open(state, "rb") as file:
        image = bytearray(file.read())
    for _ in range(count):
        _rename(image, uuid.uuid4())
        with open(os.path.join(place, "%s.vhd" % uuid.uuid4()), "wb") as file:
            file.write(image)
    session.call("VDI.destroy", template)
    sr = session.call("SR.introduce", str(uuid.uuid4()), "many", "", "file", "user", False, {})
    pbd = session.call("PBD.create", {"host": session.call("host.get_all")[0], "SR": sr, "device_config": {"location": place}, "other_config": {}})
    session.call("PBD.plug", pbd)
    session.call("SR.scan", sr)
    return sr


def _rename(image, unique):
    """Gives footer and copy another unique id."""
    for offset in (0, len(image) - 512):
        image[offset + 68:offset + 84] = unique.bytes
        image[offset + 64:offset + 68] = bytes(4)
        struct.pack_into(">I", image, offset + 64, ~sum(image[offset:offset + 512]) & 0xFFFFFFFF)


def run(show, only=()):
    for needed in ("curl", "qemu-img", "nginx"):
        if not harness.tool(needed):
            print("disk: %s is not installed" % needed)
            return
    with Memory() as work:
        image = work("image")
        print("# %d MiB stored, on %s" % (make_image(image) >> 20, work.path.rsplit("/", 1)[0]), flush=True)
        with harness.Server(work("state")) as server:
            session = xenapi.Session(server.http)
            quiet(session)
            disk = session.create_vdi(VIRTUAL)
            transfer.upload(session, disk, image)
            exports(show, session, server, work, image, disk)
            imports(show, session, work, image)
            differential(show, session, disk)
            nbd(show, session, image, disk)
            os.remove(image)
            depths(show, session, work)
        many(show, work)
