"""After a restart: compares what the server has with what the clients were told, and settles the calls cut short."""

import hashlib
import os
import re
import time

import transfer
from xenapi import NULL
from model import Disk, Machine

SECTOR = 512


class State:
    """Everything the server shows about the storage repository and our machines."""

    def __init__(self, session, sr):
        self.session = session
        vdis = session.call("VDI.get_all_records")
        self.all_disks = {ref: record for ref, record in vdis.items() if record["SR"] == sr}
        self.images = {ref: record for ref, record in self.all_disks.items() if record["type"] == "suspend"}
        self.disks = {ref: record for ref, record in self.all_disks.items() if record["managed"] and ref not in self.images}
        vms, vbds = session.call("VM.get_all_records"), session.call("VBD.get_all_records")
        self.machines = {ref: record for ref, record in vms.items() if re.match(r"w\d+-", record["name_label"])}
        self.attached = {ref: [vbds[vbd]["VDI"] for vbd in sorted(record["VBDs"], key=lambda key: vbds[key]["userdevice"])]
                         for ref, record in self.machines.items()}
        self.busy = [record["name_label"] for record in list(self.machines.values()) + list(self.disks.values())
                     if record["current_operations"]]

    def read(self, ref):
        connection = transfer.connect(self.session)
        connection.request("GET", transfer.target("export_raw_vdi", session_id=self.session.ref, vdi=ref))
        data = connection.getresponse().read()
        connection.close()
        return data


class Findings:
    def __init__(self):
        self.lost, self.different, self.unexplained = [], [], []

    def total(self):
        return len(self.lost) + len(self.different) + len(self.unexplained)

    def __str__(self):
        return "lost: %s\ndifferent: %s\nunexplained: %s" % (self.lost[:5], self.different[:5], self.unexplained[:5])


def settle(model, state, findings):
    """Decides whether the call without an answer happened, and makes the model say so. Half a call is a finding."""
    pending, model.pending = model.pending, None
    unknown = {ref for ref, record in state.disks.items()
               if record["name_label"].startswith(model.prefix) and ref not in model.disks}
    new_machines = {ref for ref, record in state.machines.items()
                    if record["name_label"].startswith(model.prefix) and ref not in model.machines}
    kind = pending.kind if pending else None

    def adopt(ref, data):
        unknown.discard(ref)
        model.disks[ref] = Disk(state.disks[ref]["uuid"], data)

    if kind == "create":
        found = [ref for ref in unknown if state.disks[ref]["name_label"] == pending.name]
        for ref in found[:1]:
            adopt(ref, bytes(int(state.disks[ref]["virtual_size"])))
        _present_if_acknowledged(pending, found, findings)
    elif kind == "copy":
        found = list(unknown)
        for ref in found[:1]:
            is_snapshot = pending.method == "VDI.snapshot"
            if state.disks[ref]["is_a_snapshot"] != is_snapshot or (is_snapshot and state.disks[ref]["snapshot_of"] != pending.source):
                findings.unexplained.append("%s has the wrong snapshot fields" % ref)
            adopt(ref, model.disks[pending.source].data)
        _present_if_acknowledged(pending, found, findings)
    elif kind == "destroy":
        if pending.ref not in state.disks:
            del model.disks[pending.ref]
    elif kind == "import" and pending.ref in state.disks:
        _settle_import(model, state, pending, findings)
    elif kind == "create machine":
        found = [ref for ref in new_machines if state.machines[ref]["name_label"] == pending.name]
        for ref in found[:1]:
            new_machines.discard(ref)
            model.machines[ref] = Machine(state.machines[ref]["uuid"], pending.name, state.attached[ref])
        _present_if_acknowledged(pending, found, findings)
    elif kind == "attach":
        if pending.disk in state.attached.get(pending.machine, []):
            model.machines[pending.machine].disks.append(pending.disk)
    elif kind == "copy machine":
        found = [ref for ref in new_machines if state.machines[ref]["name_label"] == pending.name]
        for ref in found[:1]:
            new_machines.discard(ref)
            disks, origins = state.attached[ref], model.machines[pending.source].disks
            if len(disks) != len(origins) or not set(disks) <= unknown:
                findings.unexplained.append("%s: a machine with disks %s" % (pending, disks))
            for disk, origin in zip(disks, origins):
                if disk in unknown:
                    adopt(disk, model.disks[origin].data)
            source = None if pending.method == "VM.clone" else pending.source
            model.machines[ref] = Machine(state.machines[ref]["uuid"], pending.name, disks, source, state.machines[ref]["power_state"])
        _present_if_acknowledged(pending, found, findings)
    elif kind == "revert" and pending.machine in state.machines:
        _settle_revert(model, state, pending, unknown, adopt, findings)
    elif kind == "power" and pending.machine in state.machines:
        now = state.machines[pending.machine]["power_state"]
        # A machine that was rebooting may be caught between its two lives.
        if now not in (pending.before, pending.after) and not (now == "Halted" and pending.method == "VM.hard_reboot"):
            findings.unexplained.append("%s: %s" % (pending, now))
        if pending.acknowledged and now != pending.after:
            findings.lost.append(str(pending))
        model.machines[pending.machine].power = now
    elif kind == "destroy machine":
        if pending.machine not in state.machines:
            del model.machines[pending.machine]

    if unknown or new_machines:
        findings.unexplained.append("%s: disks %s, machines %s" % (pending, [state.disks[ref]["name_label"] for ref in unknown], new_machines))


def _present_if_acknowledged(pending, found, findings):
    if pending.acknowledged and pending.acknowledged not in found:
        findings.lost.append(str(pending))


def _settle_import(model, state, pending, findings):
    """A stream of writes that was cut: every sector is the old or the new one."""
    old, new, now = model.disks[pending.ref].data, pending.data, state.read(pending.ref)
    if len(now) != len(old):
        findings.different.append("%s: %d bytes" % (pending, len(now)))
        return
    for at in range(0, len(now), SECTOR):
        sector = now[at:at + SECTOR]
        if sector != old[at:at + SECTOR] and sector != new[at:at + SECTOR]:
            findings.different.append("%s: sector %d is neither old nor new" % (pending, at // SECTOR))
            break
    model.disks[pending.ref].data = now


def _settle_revert(model, state, pending, unknown, adopt, findings):
    machine, disks = model.machines[pending.machine], state.attached[pending.machine]
    # A machine that runs is shut down first.
    machine.power = state.machines[pending.machine]["power_state"]
    if disks == machine.disks:
        if pending.acknowledged:
            findings.lost.append(str(pending))
        return
    old, origins = machine.disks, model.machines[pending.snapshot].disks
    if len(disks) != len(origins) or not set(disks) <= unknown or any(ref in state.disks for ref in old):
        findings.unexplained.append("%s: half a revert, disks %s, before %s" % (pending, disks, old))
    for ref in old:
        model.disks.pop(ref, None)
    for disk, origin in zip(disks, origins):
        if disk in unknown:
            adopt(disk, model.disks[origin].data)
    machine.disks = disks


def compare(model, state, findings):
    """Everything that was acknowledged, by ref and uuid, with its contents."""
    for ref, disk in model.disks.items():
        record = state.disks.get(ref)
        if record is None or record["uuid"] != disk.uuid:
            findings.lost.append("%sdisk %s (%s)" % (model.prefix, ref, disk.uuid))
        elif hashlib.sha256(state.read(ref)).digest() != hashlib.sha256(disk.data).digest():
            findings.different.append("%sdisk %s (%s)" % (model.prefix, ref, disk.uuid))
    for ref, machine in model.machines.items():
        record = state.machines.get(ref)
        if record is None or record["uuid"] != machine.uuid:
            findings.lost.append("machine %s (%s)" % (ref, machine.name))
        elif state.attached[ref] != machine.disks:
            findings.different.append("machine %s (%s): disks %s, not %s" % (ref, machine.name, state.attached[ref], machine.disks))
        elif record["power_state"] != machine.power:
            findings.different.append("machine %s (%s): %s, not %s" % (ref, machine.name, record["power_state"], machine.power))


def check_power(state, findings):
    """What belongs to a power state: a domain and a host, or a suspend image that no other machine has."""
    owners = {}
    for ref, record in state.machines.items():
        name, power = record["name_label"], record["power_state"]
        runs = power in ("Running", "Paused")
        if (int(record["domid"]) > 0) != runs or (record["resident_on"] != NULL) != runs:
            findings.unexplained.append("machine %s is %s, domid %s, on %s" % (name, power, record["domid"], record["resident_on"]))
        if (record["suspend_VDI"] in state.images) != (power == "Suspended"):
            findings.unexplained.append("machine %s is %s, its suspend image %s" % (name, power, record["suspend_VDI"]))
        owners.setdefault(record["suspend_VDI"], []).append(name)
    for ref in state.images:
        if len(owners.get(ref, [])) != 1:
            findings.unexplained.append("suspend image %s belongs to %s" % (ref, owners.get(ref)))


def _stop_collector(session, sr):
    """Base copies stay as they are from here on: what the collector is at comes to its end."""
    session.call("SR.remove_from_other_config", sr, "gc")
    session.call("SR.add_to_other_config", sr, "gc", "false")
    while any(task["name_label"] == "Garbage Collection" and task["status"] == "pending"
              for task in session.call("task.get_all_records").values()):
        time.sleep(0.01)


def stray_files(session, sr, folder):
    """Files of the repository that belong to no record, even after a scan; what the scan made up or removed; records without a file."""
    def uuids(records):
        return {record["uuid"] for record in records.values() if record["SR"] == sr}

    _stop_collector(session, sr)
    before = session.call("VDI.get_all_records")
    session.call("SR.scan", sr)
    after = session.call("VDI.get_all_records")
    made_up = [record["uuid"] for ref, record in after.items() if record["SR"] == sr and ref not in before]
    vanished = [record["uuid"] for ref, record in before.items() if record["SR"] == sr and ref not in after]
    known, files = uuids(after), set(os.listdir(folder))
    # A disk is a VHD and what the plugin notes beside it under the same name.
    strays = [name for name in files if os.path.splitext(name)[0] not in known or not name.endswith((".vhd", ".meta", ".cbtlog"))]
    missing = [uuid for uuid in known if not files & {uuid + ".vhd", uuid + ".cbtlog"}]
    session.call("SR.remove_from_other_config", sr, "gc")
    return strays, made_up, vanished, missing
