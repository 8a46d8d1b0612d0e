"""The command line xe beside a script in Python that asks the same and prints the same: from the start of the process to its end."""

import os
import statistics
import subprocess
import sys
import time
import urllib.parse

import harness

ROUNDS = 15
GOAL = 0.5

# What a script without xe does: log in, all records, three fields of each.
SCRIPT = """
import sys, xmlrpc.client
api = xmlrpc.client.ServerProxy(sys.argv[1])
session = api.session.login_with_password("root", sys.argv[2], "1.0", "bench")["Value"]
for vm in api.VM.get_all_records(session)["Value"].values():
    if not vm["is_a_template"]:
        print("uuid ( RO)           : %s\\n     name-label ( RW): %s\\n    power-state ( RO): %s\\n\\n" % (vm["uuid"], vm["name_label"], vm["power_state"].lower()))
api.session.logout(session)
"""


def seconds(command):
    begin = time.perf_counter()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
    return time.perf_counter() - begin, done.stdout


def run(show, work):
    xe = os.environ.get("XE") or os.path.join(harness.ROOT, "scripts", "xe")
    subprocess.run([xe, "-version"], check=True, stdout=subprocess.DEVNULL)
    with harness.Server(work("xe"), "--vms", "1000") as server:
        plain, secure = (str(urllib.parse.urlsplit(url).port) for url in (server.http, server.https))
        who = ["-u", "root", "-pw", harness.PASSWORD]
        commands = {
            "xe vm-list, 1,000 VMs": [xe, "vm-list", "-p", plain, *who],
            "xe vm-list, 1,000 VMs, TLS": [xe, "vm-list", "-s", "localhost", "-p", secure, *who],
            "xe vm-list --minimal, 1,000 VMs": [xe, "vm-list", "--minimal", "-p", plain, *who],
            "xe vdi-list uuid=x": [xe, "vdi-list", "uuid=x", "-p", plain, *who],
        }
        peer = [sys.executable, "-c", SCRIPT, server.http, harness.PASSWORD]
        taken = {name: [] for name in [*commands, "peer"]}
        for turn in range(ROUNDS + 3):
            for name, command in [*commands.items(), ("peer", peer)]:
                time_taken, printed = seconds(command)
                if name.endswith("1,000 VMs") and printed.count(b"," if "--minimal" in command else b"uuid (") < 999:
                    raise RuntimeError("%s printed %d bytes only" % (name, len(printed)))
                if turn >= 3:  # the first ones warm the server
                    taken[name].append(time_taken)
        for name in commands:
            ours = statistics.median(taken[name])
            show(name, ours * 1000, "ms", statistics.median(taken["peer"]) * 1000, "Python, VM.get_all_records, ms", smaller=True)
        median = statistics.median(taken["xe vm-list, 1,000 VMs"])
        print("  goal: at most %.0f ms, %s" % (GOAL * 1000, "reached" if median <= GOAL else "missed"), flush=True)
