"""One client that creates, imports, snapshots, clones, reverts and destroys until the server is gone."""

import http.client
import os
import random
import threading
import traceback
import xml.parsers.expat
import xmlrpc.client

import transfer
import vhd
import xenapi
from model import Disk, Machine

SIZE = 4 << 20
CUT = (OSError, EOFError, http.client.HTTPException, xmlrpc.client.ProtocolError, xml.parsers.expat.ExpatError)
CHAIN_TOO_LONG = "SR_BACKEND_FAILURE_109"

# What may happen to a machine in a state: the call, its arguments behind the machine, the state afterwards.
POWER = {
    "Halted": [("VM.start", (False, False), "Running"), ("VM.start", (True, False), "Paused")],
    "Running": [("VM.hard_shutdown", (), "Halted"), ("VM.clean_shutdown", (), "Halted"), ("VM.suspend", (), "Suspended"), ("VM.pause", (), "Paused"),
                ("VM.hard_reboot", (), "Running")],
    "Paused": [("VM.unpause", (), "Running"), ("VM.hard_shutdown", (), "Halted")],
    "Suspended": [("VM.resume", (False, False), "Running"), ("VM.hard_shutdown", (), "Halted")],
}


class Worker:
    def __init__(self, prefix, model, work, seed):
        self.prefix, self.model, self.random = prefix, model, random.Random(seed)
        self.scratch = work("scratch-" + prefix)
        self.serial = 0
        self.problem = None

    def start(self, url, sr, killed):
        self.sr = sr
        self.thread = threading.Thread(target=self._run, args=(url, killed), daemon=True)
        self.thread.start()

    def _run(self, url, killed):
        try:
            self.session = xenapi.Session(url)
            while not killed.is_set():
                self._step()
        except CUT:
            if not killed.wait(30):
                self.problem = "the connection ended before the kill\n" + traceback.format_exc()
        except Exception:  # noqa: BLE001 - reported by main
            self.problem = "%s\npending: %s" % (traceback.format_exc(), self.model.pending)

    # One random step that the present objects allow.
    def _step(self):
        model, pick = self.model, self.random
        free = model.free_disks()
        machines = [ref for ref, machine in model.machines.items() if machine.source is None and len(machine.disks) == 2]
        snapshots = [ref for ref, machine in model.machines.items() if machine.source in model.machines]
        actions = []
        if len(model.disks) < 16:
            actions += [self._create] * 2
            if free:
                actions += [self._snapshot, self._clone] * 2
        if model.writable_disks():
            actions += [self._import] * 4
        if len(free) > 3:
            actions += [self._destroy] * 3
        if len(model.machines) < 4:
            if len(machines) < 2:
                actions.append(self._create_machine)
            if machines:
                actions += [self._snapshot_machine] * 3
            if any(model.machines[ref].power == "Halted" for ref in machines):
                actions.append(self._clone_machine)
            if any(model.machines[ref].power in ("Running", "Suspended") for ref in machines):
                actions += [self._checkpoint_machine] * 2
        if machines:
            actions += [self._power] * 5
        if snapshots:
            actions += [self._revert] * 4
        if len(model.machines) > 2 and any(machine.power == "Halted" for machine in model.machines.values()):
            actions.append(self._destroy_machine)
        self.free, self.whole_machines, self.snapshots = free, machines, snapshots
        pick.choice(actions)()

    def _name(self):
        self.serial += 1
        return "%s%d" % (self.prefix, self.serial)

    def _call(self, method, *arguments):
        """Half of the calls go through a task."""
        if self.random.random() < 0.5:
            return self.session.run_async(method, *arguments)
        return self.session.call(method, *arguments)

    def _adopt(self, ref, data):
        self.model.disks[ref] = Disk(self.session.call("VDI.get_uuid", ref), data)

    def _create(self):
        name = self._name()
        pending = self.model.begin("create", name=name)
        ref = self._call("VDI.create", xenapi.vdi_record(self.sr, SIZE, name))
        pending.acknowledged = ref
        self._adopt(ref, bytes(SIZE))
        self.model.done()
        return ref

    def _import(self):
        ref = self.random.choice(self.model.writable_disks())
        old = self.model.disks[ref].data
        form = self.random.randrange(3)
        if form == 0:
            new = self.random.randbytes(SIZE)
            self.model.begin("import", ref=ref, data=new)
            transfer.upload(self.session, ref, new)
        elif form == 1:
            index, block = self.random.randrange(SIZE // vhd.BLOCK), self.random.randbytes(vhd.BLOCK)
            new = old[:index * vhd.BLOCK] + block + old[(index + 1) * vhd.BLOCK:]
            vhd.write(self.scratch, SIZE, {index: block})
            self.model.begin("import", ref=ref, data=new)
            transfer.upload(self.session, ref, self.scratch, "vhd")
            os.remove(self.scratch)
        else:
            ranges, changed = [], bytearray(old)
            for _ in range(3):
                piece = self.random.randbytes(512 * self.random.randrange(1, 64))
                offset = self.random.randrange((SIZE - len(piece)) // 512 + 1) * 512
                changed[offset:offset + len(piece)] = piece
                ranges.append((offset, piece))
            new = bytes(changed)
            self.model.begin("import", ref=ref, data=new)
            transfer.upload_ranges(self.session, ref, ranges)
        self.model.disks[ref].data = new
        self.model.done()

    def _snapshot(self, method="VDI.snapshot"):
        source = self.random.choice(self.free)
        pending = self.model.begin("copy", source=source, method=method)
        try:
            ref = self._call(method, source, {})
        except xenapi.XenError as error:
            if error.code != CHAIN_TOO_LONG:
                raise
            self.model.pending = None
            return
        pending.acknowledged = ref
        self._adopt(ref, self.model.disks[source].data)
        self.model.done()

    def _clone(self):
        self._snapshot("VDI.clone")

    def _destroy(self):
        ref = self.random.choice(self.free)
        self.model.begin("destroy", ref=ref)
        self._call("VDI.destroy", ref)
        del self.model.disks[ref]
        self.model.done()

    def _create_machine(self):
        disks = [self._create(), self._create()]
        name = self._name()
        pending = self.model.begin("create machine", name=name)
        vm = self._call("VM.create", xenapi.vm_record(name))
        pending.acknowledged = vm
        machine = Machine(self.session.call("VM.get_uuid", vm), name, [])
        self.model.machines[vm] = machine
        self.model.done()
        for position, disk in enumerate(disks):
            self.model.begin("attach", machine=vm, disk=disk)
            self._call("VBD.create", xenapi.vbd_record(vm, disk, position))
            machine.disks.append(disk)
            self.model.done()

    def _power(self):
        vm = self.random.choice(self.whole_machines)
        machine = self.model.machines[vm]
        method, arguments, after = self.random.choice(POWER[machine.power])
        pending = self.model.begin("power", machine=vm, method=method, before=machine.power, after=after)
        self._call(method, vm, *arguments)
        pending.acknowledged = True
        machine.power = after
        self.model.done()

    def _snapshot_machine(self, method="VM.snapshot", states=("Halted", "Running", "Paused", "Suspended")):
        source = self.random.choice([ref for ref in self.whole_machines if self.model.machines[ref].power in states])
        name = self._name()
        pending = self.model.begin("copy machine", source=source, name=name, method=method)
        try:
            vm = self._call(method, source, name)
        except xenapi.XenError as error:
            if error.code != CHAIN_TOO_LONG:
                raise
            self.model.pending = None
            return
        pending.acknowledged = vm
        disks = self.session.disks_of(vm)
        uuid = self.session.call("VM.get_uuid", vm)
        uuids = [self.session.call("VDI.get_uuid", disk) for disk in disks]
        # No call from here on: either all of it is known or nothing.
        for disk, disk_uuid, origin in zip(disks, uuids, self.model.machines[source].disks):
            self.model.disks[disk] = Disk(disk_uuid, self.model.disks[origin].data)
        self.model.machines[vm] = Machine(uuid, name, disks, None if method == "VM.clone" else source, "Suspended" if method == "VM.checkpoint" else "Halted")
        self.model.done()

    def _clone_machine(self):
        self._snapshot_machine("VM.clone", ("Halted",))

    def _checkpoint_machine(self):
        self._snapshot_machine("VM.checkpoint", ("Running", "Suspended"))

    def _revert(self):
        snapshot = self.random.choice(self.snapshots)
        vm = self.model.machines[snapshot].source
        pending = self.model.begin("revert", snapshot=snapshot, machine=vm)
        try:
            self._call("VM.revert", snapshot)
        except xenapi.XenError as error:
            if error.code != CHAIN_TOO_LONG:
                raise
            self.model.pending = None
            return
        pending.acknowledged = True
        disks = self.session.disks_of(vm)
        uuids = [self.session.call("VDI.get_uuid", disk) for disk in disks]
        machine = self.model.machines[vm]
        for disk in machine.disks:
            del self.model.disks[disk]
        for disk, uuid, origin in zip(disks, uuids, self.model.machines[snapshot].disks):
            self.model.disks[disk] = Disk(uuid, self.model.disks[origin].data)
        machine.disks = disks
        machine.power = self.model.machines[snapshot].power
        self.model.done()

    def _destroy_machine(self):
        vm = self.random.choice([ref for ref, machine in self.model.machines.items() if machine.power == "Halted"])
        self.model.begin("destroy machine", machine=vm)
        self._call("VM.destroy", vm)
        del self.model.machines[vm]
        self.model.done()
