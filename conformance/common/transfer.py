"""Disk transfers over HTTP with http.client: a task is made, named in the request, polled and destroyed."""

import contextlib
import hashlib
import http.client
import os
import struct
import urllib.parse

from xenapi import unverified

PIECE = 1 << 20


def connect(session, timeout=300):
    parts = urllib.parse.urlsplit(session.url)
    if parts.scheme == "https":
        return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout, context=unverified())
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)


def target(handler, **query):
    return "/%s?%s" % (handler, urllib.parse.urlencode({key: value for key, value in query.items() if value is not None}))


@contextlib.contextmanager
def transfer_task(session, label, wait=True):
    """A task that the server ends; on leaving it must have succeeded."""
    task = session.call("task.create", label, "")
    try:
        yield task
        if wait:
            session.wait(task)
    finally:
        session.call("task.destroy", task)


class Exported:
    """What came back: number of bytes, their sha256, the head's fields and the name in Content-Disposition."""

    def __init__(self, size, digest, headers):
        self.size, self.digest, self.headers = size, digest, headers
        disposition = headers.get("content-disposition", "")
        self.file_name = disposition.partition('filename="')[2].rstrip('"')


def export(session, vdi, path=None, format="raw", base=None, trailing_slash=False):
    """Downloads a disk to a file (or only hashes it). path may end in / to save under the name the server gives."""
    digest, size = hashlib.sha256(), 0
    with transfer_task(session, "export") as task:
        connection = connect(session)
        handler = "export_raw_vdi/" if trailing_slash else "export_raw_vdi"
        connection.request("GET", target(handler, session_id=session.ref, task_id=task, vdi=vdi, format=format, base=base))
        answer = connection.getresponse()
        if answer.status != 200:
            raise IOError("export answered %d %s" % (answer.status, answer.reason))
        result = Exported(0, "", answer.headers)
        if path and path.endswith("/"):
            path += result.file_name
        with open(path or os.devnull, "wb") as file:
            while piece := answer.read(PIECE):  # raises IncompleteRead when the body is cut
                digest.update(piece)
                file.write(piece)
                size += len(piece)
        connection.close()
    result.size, result.digest, result.path = size, digest.hexdigest(), path
    return result


def put(session, vdi, body, length, format="raw", task=None, chunked=None, trailing_slash=False):
    """One PUT with a Content-Length, body and head sent without waiting; returns the status."""
    connection = connect(session)
    handler = "import_raw_vdi/" if trailing_slash else "import_raw_vdi"
    connection.putrequest("PUT", target(handler, session_id=session.ref, task_id=task, vdi=vdi, format=format, chunked=chunked))
    connection.putheader("Content-Length", str(length))
    connection.endheaders()
    for piece in body:
        connection.send(piece)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def upload(session, vdi, source, format="raw", **more):
    """Uploads a file (path) or bytes and waits for the task."""
    with transfer_task(session, "import") as task:
        if isinstance(source, (bytes, bytearray, memoryview)):
            status = put(session, vdi, [source], len(source), format, task, **more)
        else:
            with open(source, "rb") as file:
                status = put(session, vdi, iter(lambda: file.read(PIECE), b""), os.path.getsize(source), format, task, **more)
        if status != 200:
            raise IOError("import answered %d" % status)


def upload_ranges(session, vdi, ranges):
    """Writes (offset, bytes) pairs with the import's own chunk frames and waits for the task."""
    ranges = list(ranges)
    frames = []
    for offset, data in ranges:
        frames += [struct.pack("<QI", offset, len(data)), data]
    frames.append(bytes(12))
    with transfer_task(session, "import of ranges") as task:
        status = put(session, vdi, frames, sum(map(len, frames)), "raw", task, chunked="true")
        if status != 200:
            raise IOError("import answered %d" % status)


def sha256_file(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()
