"""All checks of this folder against one server. usage: run.sh [part ...]"""

import sys

import clones
import full_disk
import harness
import images
import large
import requests_with_curl
import virtual_machines
import walkthrough
import xenapi

IMAGE_SIZE = 272 << 20


def main():
    harness.note("seed %d (XAPICOMPAT_SEED repeats it)" % harness.SEED)
    checks = harness.Checks()
    wanted = sys.argv[1:]

    def part(name, function, *arguments):
        if not wanted or name.split(" ")[0] in wanted:
            checks.prefix = name + ": "
            checks.run("ran to its end", function, checks, *arguments)

    with harness.WorkDirectory() as work, harness.Server(work("state")) as server:
        if not harness.tool("mke2fs") or not harness.tool("qemu-img"):
            checks.skip("everything", "mke2fs and qemu-img are needed")
            checks.finish()
        image = images.make_ext4(work, IMAGE_SIZE, harness.SEED)
        for url in (server.http, server.https):
            scheme = url.partition(":")[0]
            session = xenapi.Session(url)
            part("backup over " + scheme, walkthrough.back_up_and_restore, work, session, *image)
            part("machines over " + scheme, virtual_machines.snapshot_revert_clone, work, session, harness.SEED)
            part("curl over " + scheme, requests_with_curl.transfers, work, session)
            session.call("session.logout")
        session = xenapi.Session(server.http)
        part("disk of 24 GiB", large.back_up_and_restore, work, session, 24 << 30, 25769705472, harness.SEED)
        part("disk of 2040 GiB", large.back_up_and_restore, work, session, 2040 << 30, 2040 << 30, harness.SEED)
        part("full disk", full_disk.run, work, harness.SEED)
        part("independence", clones.independence, work, session, harness.SEED)
        part("clones", clones.many, session, harness.SEED)
        checks.prefix = ""
        outcome = server.stop()
        checks.ok("the server stops cleanly on SIGTERM", outcome is not None and outcome[0] == 0, outcome)
    checks.finish()


main()
