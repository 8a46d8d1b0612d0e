"""Operations that are cut off at a point: each prepares its objects, acts, and says afterwards what is wrong. Half an act is wrong."""

import transfer
import xenapi

SIZE = 4 << 20
SECTOR = 512


def pattern(value):
    return bytes([value]) * SIZE


def read(session, vdi):
    connection = transfer.connect(session)
    connection.request("GET", transfer.target("export_raw_vdi", session_id=session.ref, vdi=vdi))
    data = connection.getresponse().read()
    connection.close()
    return data


def filled(session, sr, name, value):
    vdi = session.create_vdi(SIZE, name, sr)
    transfer.upload(session, vdi, pattern(value))
    return vdi


class Case:
    """Base: a disk of ones, a snapshot of it, and the disk written again with twos."""

    writes = False

    def __init__(self, session, sr, tag):
        self.sr, self.tag = sr, tag
        self.disk = filled(session, sr, tag + "-disk", 1)
        self.old = session.call("VDI.snapshot", self.disk, {})
        transfer.upload(session, self.disk, pattern(2))
        self.known = {self.disk, self.old}

    def others(self, session, disk=None):
        """What is wrong with the disks that the operation must not touch."""
        if read(session, self.old) != pattern(1):
            return "the snapshot has changed"
        if (disk or self.disk) == self.disk and read(session, self.disk)[:SIZE] != pattern(2):
            return "the disk has changed"
        return None

    def added(self, session):
        records = session.call("VDI.get_all_records")
        return {ref: record for ref, record in records.items() if record["SR"] == self.sr and record["managed"] and ref not in self.known}


class Made(Case):
    """One new disk, or none."""

    content = 2

    def verify(self, session, acknowledged):
        added = self.added(session)
        if len(added) > 1 or (acknowledged and not added):
            return "new disks: %s" % list(added)
        for ref, record in added.items():
            if read(session, ref) != pattern(self.content):
                return "wrong contents"
            if record["is_a_snapshot"] != (type(self).name in ("VDI.snapshot", "VDI.snapshot with a log")):
                return "is_a_snapshot is %s" % record["is_a_snapshot"]
        return self.others(session)


class Create(Made):
    name = "VDI.create"
    content = 0

    def act(self, session, _):
        session.create_vdi(SIZE, self.tag + "-new", self.sr)


class Snapshot(Made):
    name = "VDI.snapshot"

    def act(self, session, _):
        session.call("VDI.snapshot", self.disk, {})


class TrackedSnapshot(Made):
    name = "VDI.snapshot with a log"

    def __init__(self, session, sr, tag):
        super().__init__(session, sr, tag)
        session.call("VDI.enable_cbt", self.disk)
        transfer.upload(session, self.disk, pattern(2))

    def act(self, session, _):
        session.call("VDI.snapshot", self.disk, {})

    def verify(self, session, acknowledged):
        for ref in self.added(session):
            if session.call("VDI.get_cbt_enabled", ref):
                session.call("VDI.list_changed_blocks", ref, self.disk)
        return super().verify(session, acknowledged)


class Clone(Made):
    name = "VDI.clone"

    def act(self, session, _):
        session.call("VDI.clone", self.disk, {})


class Copy(Made):
    name = "VDI.copy"
    writes = True

    def act(self, session, _):
        session.call("VDI.copy", self.disk, self.sr, xenapi.NULL, xenapi.NULL)


class Destroy(Case):
    name = "VDI.destroy"

    def act(self, session, _):
        session.call("VDI.destroy", self.disk)

    def verify(self, session, acknowledged):
        there = xenapi_exists(session, self.disk)
        if acknowledged and there:
            return "it is still there"
        if there and read(session, self.disk) != pattern(2):
            return "half of it is gone"
        return "new disks" if self.added(session) else self.others(session, self.old)


class Resize(Case):
    name = "VDI.resize"
    writes = True

    def act(self, session, _):
        session.call("VDI.resize", self.disk, str(64 << 20))

    def verify(self, session, acknowledged):
        size, data = int(session.call("VDI.get_virtual_size", self.disk)), read(session, self.disk)
        if size not in (SIZE, 64 << 20) or len(data) != size or (acknowledged and size == SIZE):
            return "virtual_size %d, %d bytes" % (size, len(data))
        if any(data[SIZE:]):
            return "the new room is not empty"
        return self.others(session)


class Import(Case):
    name = "import"
    writes = True

    def act(self, session, tag):
        connection = transfer.connect(session)
        task = session.call("task.create", "import", "")
        connection.request("PUT", transfer.target("import_raw_vdi", session_id=session.ref, task_id=task, vdi=self.disk),
                           pattern(3), {"Content-Length": str(SIZE), "X-Lab-Tag": tag})
        status = connection.getresponse().status
        connection.close()
        if status != 200:
            raise IOError("import answered %d" % status)
        session.wait(task)

    def verify(self, session, acknowledged):
        data = read(session, self.disk)
        if acknowledged and data != pattern(3):
            return "the upload is lost"
        for at in range(0, SIZE, SECTOR):
            if data[at:at + SECTOR] not in (pattern(2)[:SECTOR], pattern(3)[:SECTOR]):
                return "sector %d is neither old nor new" % (at // SECTOR)
        return self.others(session, self.old)


class Rename(Case):
    name = "VDI.set_name_label"

    def act(self, session, _):
        session.call("VDI.set_name_label", self.disk, "renamed")

    def verify(self, session, acknowledged):
        name = session.call("VDI.get_name_label", self.disk)
        if name != "renamed" and (acknowledged or name != self.tag + "-disk"):
            return "the name is " + name
        return self.others(session)


class DataDestroy(Case):
    name = "VDI.data_destroy"

    def __init__(self, session, sr, tag):
        super().__init__(session, sr, tag)
        session.call("VDI.enable_cbt", self.disk)
        self.tracked = session.call("VDI.snapshot", self.disk, {})
        self.known.add(self.tracked)

    def act(self, session, _):
        session.call("VDI.data_destroy", self.tracked)

    def verify(self, session, acknowledged):
        kind = session.call("VDI.get_type", self.tracked)
        if acknowledged and kind != "cbt_metadata":
            return "its type is " + kind
        if kind != "cbt_metadata" and read(session, self.tracked) != pattern(2):
            return "half of it is gone"
        session.call("VDI.list_changed_blocks", self.tracked, self.disk)
        return self.others(session)


class Collect(Case):
    """Base copies under a disk whose snapshots are gone."""

    name = "collector"
    writes = True

    def __init__(self, session, sr, tag):
        self.sr, self.tag = sr, tag
        self.disk = session.create_vdi(SIZE, tag + "-disk", sr)
        snapshots = []
        for value in (1, 2, 3):
            transfer.upload(session, self.disk, bytes([value]) * (SIZE - SECTOR * value))
            snapshots.append(session.call("VDI.snapshot", self.disk, {}))
        self.old = snapshots.pop()
        for snapshot in snapshots:
            session.call("VDI.destroy", snapshot)
        self.data = read(session, self.disk)
        transfer.upload(session, self.disk, bytes([4]) * SECTOR)
        self.now = bytes([4]) * SECTOR + self.data[SECTOR:]
        self.known = {self.disk, self.old}

    def act(self, session, _):
        host = session.call("host.get_all")[0]
        while '"none"' not in session.call("host.call_plugin", host, "xapicompat", "collector_step", {"sr": self.sr}):
            pass

    def verify(self, session, acknowledged):
        if read(session, self.disk) != self.now or read(session, self.old) != self.data:
            return "contents have changed"
        return "new disks" if self.added(session) else None


class Flatten(Collect):
    name = "flatten"

    def act(self, session, _):
        host = session.call("host.get_all")[0]
        session.call("host.call_plugin", host, "xapicompat", "flatten_vdi", {"vdi": self.disk})

    def verify(self, session, acknowledged):
        if acknowledged and "vhd-parent" in session.call("VDI.get_sm_config", self.disk):
            return "it still has a parent"
        return super().verify(session, acknowledged)


class Machine(Case):
    """A machine with two disks, a snapshot of it, and its disks written again."""

    def __init__(self, session, sr, tag):
        self.sr, self.tag = sr, tag
        self.disks = [filled(session, sr, tag + "-a", 11), filled(session, sr, tag + "-b", 12)]
        self.vm = session.create_vm(tag, *self.disks)
        self.saved = session.call("VM.snapshot", self.vm, tag + "-saved")
        for disk, value in zip(self.disks, (21, 22)):
            transfer.upload(session, disk, pattern(value))
        self.known = set(self.disks) | set(session.disks_of(self.saved))

    def contents(self, session, vm):
        return [read(session, disk)[0] for disk in session.disks_of(vm)]

    def machines(self, session):
        return {ref for ref, record in session.call("VM.get_all_records").items() if record["name_label"].startswith(self.tag)} - {self.vm, self.saved}


class MachineSnapshot(Machine):
    name = "VM.snapshot"

    def act(self, session, _):
        session.call("VM.snapshot", self.vm, self.tag + "-new")

    def verify(self, session, acknowledged):
        machines, disks = self.machines(session), self.added(session)
        if len(machines) > 1 or len(disks) != 2 * len(machines) or (acknowledged and not machines):
            return "machines %s, disks %s" % (machines, list(disks))
        for ref in machines:
            if self.contents(session, ref) != [21, 22]:
                return "wrong contents"
        return None if self.contents(session, self.vm) == [21, 22] and self.contents(session, self.saved) == [11, 12] else "others have changed"


class MachineRevert(Machine):
    name = "VM.revert"

    def act(self, session, _):
        session.call("VM.revert", self.saved)

    def verify(self, session, acknowledged):
        now = self.contents(session, self.vm)
        if now not in ([11, 12], [21, 22]) or (acknowledged and now != [11, 12]):
            return "the disks are %s" % now
        attached = set(session.disks_of(self.vm)) | set(session.disks_of(self.saved))
        if set(self.added(session)) - attached or self.machines(session):
            return "disks or machines of nobody"
        return None if self.contents(session, self.saved) == [11, 12] else "the snapshot has changed"


def xenapi_exists(session, vdi):
    try:
        session.call("VDI.get_uuid", vdi)
        return True
    except xenapi.XenError as error:
        if error.code != "HANDLE_INVALID":
            raise
        return False


OPERATIONS = [Create, Snapshot, TrackedSnapshot, Clone, Copy, Destroy, Resize, Import, Rename, DataDestroy, Collect, Flatten, MachineSnapshot, MachineRevert]
