"""Foreign NBD clients, each behind a few functions."""

import hashlib
import json
import os
import subprocess
import urllib.parse

import harness

HERE = os.path.dirname(os.path.abspath(__file__))


class Place:
    """Where an export is, in the words of each client. TLS when there is a directory with ca-cert.pem."""

    def __init__(self, address, port, name, tls=None, cert=None):
        self.address, self.port, self.name, self.tls, self.cert = address, int(port), name, tls, cert

    @property
    def uri(self):
        name = urllib.parse.quote(self.name, safe="")
        if self.tls:
            return "nbds://localhost:%d/%s?tls-certificates=%s" % (self.port, name, self.tls)
        return "nbd://%s:%d/%s" % (self.address, self.port, name)

    def qemu(self, *command):
        """Arguments of qemu-img for an image that is this export."""
        options = "driver=raw,file.driver=nbd,file.host=%s,file.port=%d,file.export=%s" % (
            "localhost" if self.tls else self.address, self.port, self.name.replace(",", ",,"))
        if not self.tls:
            return [*command, "--image-opts", options]
        return [*command, "--object", "tls-creds-x509,id=tls0,endpoint=client,dir=" + self.tls, "--image-opts", options + ",file.tls-creds=tls0"]

    @property
    def info(self):
        """As Xen Orchestra hands it to its client."""
        return {"exportname": self.name, "address": self.address, "port": self.port, "cert": self.cert if self.tls else None}


def must(*command):
    code, output, errors = harness.run(*command)
    if code != 0:
        raise RuntimeError("%s: %d\n%s%s" % (" ".join(command), code, output, errors))
    return output


def merged(runs):
    """Neighbours of one kind as one: (offset, length, kind)."""
    result = []
    for offset, length, kind in runs:
        if result and result[-1][2] == kind and result[-1][0] + result[-1][1] == offset:
            offset, length = result[-1][0], result[-1][1] + length
            result.pop()
        result.append((offset, length, kind))
    return result


def nbdinfo_map(place, context="base:allocation"):
    rows = json.loads(must("nbdinfo", "--json", "--map=" + context, place.uri))
    return merged((row["offset"], row["length"], row["type"]) for row in rows)


def qemu_map(place):
    """The same kinds as base:allocation: 0 data, 3 hole that reads as zeroes."""
    rows = json.loads(must(*place.qemu("qemu-img", "map", "--output=json")))
    return merged((row["start"], row["length"], 3 if row["zero"] and not row["data"] else 0) for row in rows)


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def open_libnbd(place, *contexts):
    import nbd  # Debian's python3-libnbd
    handle = nbd.NBD()
    handle.set_export_name(place.name)
    for context in contexts:
        handle.add_meta_context(context)
    if place.tls:
        handle.set_tls(nbd.TLS_REQUIRE)
        handle.set_tls_certificates(place.tls)
        handle.connect_tcp("localhost", str(place.port))
    else:
        handle.connect_tcp(place.address, str(place.port))
    return handle


def libnbd_map(handle, context):
    """Walks the whole disk with block status requests."""
    runs, offset, size = [], 0, handle.get_size()
    while offset < size:
        found = []

        def take(name, at, entries, error, found=found):
            if name == context:
                found.extend(entries)
            return 0

        handle.block_status(min(size - offset, 1 << 31), offset, take)
        for length, kind in zip(found[0::2], found[1::2]):
            runs.append((offset, length, kind))
            offset += length
    return merged(runs)


class Vates:
    """Xen Orchestra's client, in one node process for all disks."""

    def __init__(self):
        self.process = subprocess.Popen(["node", os.path.join(HERE, "vates.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def read(self, place, connections, map_too):
        self.process.stdin.write(json.dumps({"info": place.info, "connections": connections, "map": map_too}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait(120)
