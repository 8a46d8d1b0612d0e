"""How long a killed server takes to come back when it has many disks. XAPICOMPAT_SOAK: 10,000 of them instead of 1,000."""

import os
import threading
import time

import harness
import verify
import xenapi

DISKS = 10_000 if harness.SOAK else 1_000
CONNECTIONS = 4
SIZE = 2 << 20


class Client:
    """Makes its share of the disks, then takes and destroys snapshots until the server is killed."""

    def __init__(self, url, sr, number):
        self.url, self.sr, self.number = url, sr, number
        self.disks, self.made = [], threading.Event()
        self.thread = threading.Thread(target=self._act, daemon=True)
        self.thread.start()

    def _act(self):
        session = xenapi.Session(self.url)
        try:
            for number in range(DISKS // CONNECTIONS):
                self.disks.append(session.create_vdi(SIZE, "disk-%d-%d" % (self.number, number), self.sr))
        finally:
            self.made.set()
        try:
            for disk in self.disks:
                session.call("VDI.destroy", session.call("VDI.snapshot", disk, {}))
        except Exception:  # noqa: BLE001 - the server was killed under it
            pass


def main():
    checks = harness.Checks("recovery: ")
    with harness.WorkDirectory() as work:
        server = harness.Server(work("state"), "--gc-delay", "0", https="off").start()
        try:
            session = xenapi.Session(server.http)
            sr = session.default_sr()
            folder = os.path.join(work("state"), "sr", session.call("SR.get_uuid", sr))
            clients = [Client(server.http, sr, number) for number in range(CONNECTIONS)]
            for client in clients:
                client.made.wait(600)
            time.sleep(1)
            server.kill()
            for client in clients:
                client.thread.join(60)
            disks = {disk for client in clients for disk in client.disks}
            begin = time.monotonic()
            server.start()
            session = xenapi.Session(server.http)
            there = set(session.call("VDI.get_all"))
            seconds = time.monotonic() - begin
            harness.note("%d disks, killed under load: %.2f s from the start of the process to the list of disks" % (len(disks), seconds))
            checks.equal("%d disks were made" % DISKS, len(disks), DISKS)
            checks.ok("every disk is there", disks <= there, len(disks - there))
            strays = verify.stray_files(session, sr, folder)
            checks.ok("no stray file, no record without a file", not any(strays), strays)
        finally:
            server.stop()
    checks.finish()


main()
