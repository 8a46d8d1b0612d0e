"""A client of the NBD protocol, fixed newstyle, over a plain socket: simple and structured replies, one request at a time."""

import contextlib
import socket
import struct

MAGIC, OPTION = 0x4E42444D41474943, 0x49484156454F5054
REPLY, REQUEST, SIMPLE, STRUCTURED = 0x3E889045565A9, 0x25609513, 0x67446698, 0x668E33EF
GO, STRUCTURED_REPLY, SET_META_CONTEXT = 7, 8, 10
READ, WRITE, DISCONNECT, FLUSH, TRIM, WRITE_ZEROES, BLOCK_STATUS = 0, 1, 2, 3, 4, 6, 7


class NbdError(Exception):
    def __init__(self, number):
        super().__init__("NBD error %d" % number)
        self.number = number


class Client:
    """One connection to one export."""

    def __init__(self, address, port, export, context=None):
        self.socket = socket.create_connection((address, port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        magic, option, flags = struct.unpack(">QQH", self._take(18))
        if (magic, option) != (MAGIC, OPTION) or not flags & 1:
            raise IOError("no NBD server of the fixed newstyle")
        self.socket.sendall(struct.pack(">I", flags & 3))
        name = export.encode()
        self.context = None
        if context:
            self._option(STRUCTURED_REPLY, b"")
            query = context.encode()
            for kind, data in self._option(SET_META_CONTEXT, struct.pack(">I", len(name)) + name + struct.pack(">II", 1, len(query)) + query):
                if kind == 4:
                    self.context, = struct.unpack(">I", data[:4])
            if self.context is None:
                raise IOError("no context " + context)
        for kind, data in self._option(GO, struct.pack(">I", len(name)) + name + struct.pack(">H", 0)):
            if kind == 3 and struct.unpack(">H", data[:2])[0] == 0:
                self.size, self.flags = struct.unpack(">QH", data[2:12])
        self.handle = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self._send(DISCONNECT, 0, 0)
        self.socket.close()

    def read(self, offset, length):
        self._send(READ, offset, length)
        return self._answer(length, offset)

    def write(self, offset, data, fua=False):
        self._send(WRITE, offset, len(data), 1 if fua else 0, data)
        self._answer()

    def zero(self, offset, length, no_hole=False):
        self._send(WRITE_ZEROES, offset, length, 2 if no_hole else 0)
        self._answer()

    def trim(self, offset, length):
        self._send(TRIM, offset, length)
        self._answer()

    def flush(self):
        self._send(FLUSH, 0, 0)
        self._answer()

    def map(self):
        """Runs of the whole export in the chosen context: (offset, length, flags)."""
        runs, offset = [], 0
        while offset < self.size:
            self._send(BLOCK_STATUS, offset, min(self.size - offset, 1 << 30))
            data = self._answer(0, offset)
            for at in range(4, len(data), 8):
                length, flags = struct.unpack(">II", data[at:at + 8])
                length = min(length, self.size - offset)
                runs.append((offset, length, flags))
                offset += length
        return runs

    def _option(self, number, data):
        self.socket.sendall(struct.pack(">QII", OPTION, number, len(data)) + data)
        answers = []
        while True:
            magic, option, kind, length = struct.unpack(">QIII", self._take(20))
            if magic != REPLY or option != number:
                raise IOError("a reply to another option")
            content = self._take(length)
            if kind == 1:
                return answers
            if kind & 0x80000000:
                raise IOError("option %d is refused: %x %s" % (number, kind, content.decode(errors="replace")))
            answers.append((kind, content))

    def _send(self, command, offset, length, flags=0, data=b""):
        self.handle = getattr(self, "handle", 0) + 1
        self.socket.sendall(struct.pack(">IHHQQI", REQUEST, flags, command, self.handle, offset, length) + data)

    def _answer(self, length=0, start=0):
        magic, = struct.unpack(">I", self._take(4))
        if magic == SIMPLE:
            error, handle = struct.unpack(">IQ", self._take(12))
            self._check(error, handle)
            return self._take(length)
        content, done = bytearray(length), False
        while True:
            if magic != STRUCTURED:
                raise IOError("no reply")
            flags, kind, handle, size = struct.unpack(">HHQI", self._take(16))
            body = self._take(size)
            self._check(struct.unpack(">I", body[:4])[0] if kind & 0x8000 else 0, handle)
            if kind == 1:
                offset = struct.unpack(">Q", body[:8])[0] - start
                content[offset:offset + len(body) - 8] = body[8:]
            elif kind == 5:
                content += body
            done = flags & 1
            if done:
                return bytes(content)
            magic, = struct.unpack(">I", self._take(4))

    def _check(self, error, handle):
        if handle != self.handle:
            raise IOError("a reply to another request")
        if error:
            raise NbdError(error)

    def _take(self, length):
        data = bytearray()
        while len(data) < length:
            piece = self.socket.recv(length - len(data))
            if not piece:
                raise IOError("the server has closed the connection")
            data += piece
        return bytes(data)
