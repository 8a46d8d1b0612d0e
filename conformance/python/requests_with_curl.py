"""The same transfers with curl and with the bare request lines of command-line clients."""

import hashlib
import os
import random
import socket
import ssl
import urllib.parse

import harness
import transfer
import xenapi

SIZE = 16 << 20


def transfers(checks, work, session):
    data = random.Random(harness.SEED + 1).randbytes(SIZE)
    digest = hashlib.sha256(data).hexdigest()
    source, target = work("curl.img"), work("curl.out")
    with open(source, "wb") as file:
        file.write(data)

    def url(handler, **query):
        return session.url + transfer.target(handler, **query)

    def curl(*arguments):
        if os.path.exists(target):
            os.remove(target)
        code, out, err = harness.run("curl", "-ksS", "--max-time", "120", "-w", "%{http_code}", "-o", target, *arguments)
        if code != 0:
            raise RuntimeError("curl: %d %s%s" % (code, out, err))
        return out

    def with_fresh_disk(name, action):
        """Uploads in one of curl's manners; the disk must then read back equal."""
        disk = session.create_vdi(SIZE, name)
        try:
            with transfer.transfer_task(session, name) as task:
                status = action(disk, task)
            checks.ok("upload: " + name, status == "200" and transfer.export(session, disk).digest == digest, status)
        finally:
            session.call("VDI.destroy", disk)

    if harness.tool("curl"):
        query = {"format": "raw"}
        with_fresh_disk("curl -T", lambda disk, task: curl(
            "-T", source, url("import_raw_vdi", session_id=session.ref, task_id=task, vdi=disk, **query)))
        with_fresh_disk("curl, HTTP chunks", lambda disk, task: curl(
            "-T", source, "-H", "Transfer-Encoding: chunked",
            url("import_raw_vdi", session_id=session.ref, task_id=task, vdi=disk, **query)))
        with_fresh_disk("curl, Expect: 100-continue", lambda disk, task: curl(
            "-T", source, "-H", "Expect: 100-continue",
            url("import_raw_vdi", session_id=session.ref, task_id=task, vdi=disk, **query)))
        with_fresh_disk("curl --http1.0", lambda disk, task: curl(
            "--http1.0", "-T", source, url("import_raw_vdi", session_id=session.ref, task_id=task, vdi=disk, **query)))
        with_fresh_disk("curl, user and password", lambda disk, task: curl(
            "-u", "root:" + harness.PASSWORD, "-T", source, url("import_raw_vdi", task_id=task, vdi=disk, **query)))
        with_fresh_disk("curl, session in a cookie", lambda disk, task: curl(
            "-b", "session_id=" + session.ref, "-T", source, url("import_raw_vdi", task_id=task, vdi=disk, **query)))

        disk = session.create_vdi(SIZE, "curl")
        uuid = session.call("VDI.get_uuid", disk)
        transfer.upload(session, disk, data)
        for name, arguments in (
                ("session in the query", [url("export_raw_vdi", session_id=session.ref, vdi=disk)]),
                ("vdi by uuid, trailing slash", [url("export_raw_vdi/", session_id=session.ref, vdi=uuid, format="raw")]),
                ("user and password", ["-u", "root:" + harness.PASSWORD, url("export_raw_vdi", vdi=disk)]),
                ("session in a cookie", ["-b", "session_id=" + session.ref, url("export_raw_vdi", vdi=disk)]),
                ("HTTP/1.0", ["--http1.0", url("export_raw_vdi", session_id=session.ref, vdi=disk)])):
            checks.ok("download: curl, " + name, curl(*arguments) == "200" and transfer.sha256_file(target) == digest)
        checks.equal("download: a wrong session is refused", curl(url("export_raw_vdi", session_id="OpaqueRef:x", vdi=disk)), "401")
        checks.equal("download: a wrong password is refused", curl("-u", "root:wrong", url("export_raw_vdi", vdi=disk)), "401")
        session.call("VDI.destroy", disk)
    else:
        checks.skip("curl", "curl is not installed")

    bare_requests(checks, session, data, digest, with_fresh_disk)
    for path in (source, target):
        if os.path.exists(path):
            os.remove(path)


def bare_requests(checks, session, data, digest, with_fresh_disk):
    """HTTP/1.0 without any header, as the command-line client and old scripts send it."""
    def head_first(disk, task, length):
        with bare_socket(session) as connection:
            path = transfer.target("import_raw_vdi", session_id=session.ref, task_id=task, vdi=disk, format="raw")
            header = "Content-length: %d\r\n" % len(data) if length else ""
            connection.sendall(("PUT %s HTTP/1.0\r\n%s\r\n" % (path, header)).encode())
            status = read_head(connection)
            connection.sendall(data)
        return status

    with_fresh_disk("HTTP/1.0 with length, body after the 200", lambda disk, task: head_first(disk, task, True))
    with_fresh_disk("HTTP/1.0 without length, body after the 200", lambda disk, task: head_first(disk, task, False))

    disk = session.create_vdi(SIZE, "bare")
    transfer.upload(session, disk, data)
    with transfer.transfer_task(session, "bare") as task, bare_socket(session) as connection:
        path = transfer.target("export_raw_vdi", session_id=session.ref, task_id=task, vdi=disk, format="raw")
        connection.sendall(("GET %s HTTP/1.0\r\n\r\n" % path).encode())
        status = read_head(connection)
        received = hashlib.sha256()
        while piece := connection.recv(1 << 20):
            received.update(piece)
    checks.ok("download: HTTP/1.0 without headers, to the end of the connection", status == "200" and received.hexdigest() == digest)
    session.call("VDI.destroy", disk)


def bare_socket(session):
    parts = urllib.parse.urlsplit(session.url)
    connection = socket.create_connection((parts.hostname, parts.port), timeout=120)
    if parts.scheme == "https":
        context = xenapi.unverified()
        context.options |= getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
        connection = context.wrap_socket(connection)
    return connection


def read_head(connection):
    """Reads up to the empty line, a byte at a time as such clients do; returns the status."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            raise IOError("the connection ended in the head: %r" % head)
        head += byte
    return head.split(b" ")[1].decode()
