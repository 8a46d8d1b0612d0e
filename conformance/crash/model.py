"""What one client knows: every acknowledged object with its contents, and the one call that has no answer yet."""


class Disk:
    def __init__(self, uuid, data):
        self.uuid, self.data = uuid, data


class Machine:
    """disks: refs in the order of their positions. source: the machine that a snapshot was taken of. power: its power_state."""

    def __init__(self, uuid, name, disks, source=None, power="Halted"):
        self.uuid, self.name, self.disks, self.source, self.power = uuid, name, disks, source, power


class Pending:
    """A call under way. acknowledged is set as soon as its success was seen, even if details are not known yet."""

    def __init__(self, kind, **facts):
        self.kind = kind
        self.acknowledged = False
        self.__dict__.update(facts)

    def __str__(self):
        shown = {key: value for key, value in self.__dict__.items() if not isinstance(value, bytes)}
        return str(shown)


class Model:
    def __init__(self, prefix):
        self.prefix = prefix
        self.disks = {}      # VDI ref -> Disk
        self.machines = {}   # VM ref -> Machine
        self.pending = None
        self.acknowledged = 0
        self.journal = []    # for messages only

    def begin(self, kind, **facts):
        self.pending = Pending(kind, **facts)
        return self.pending

    def done(self):
        self.acknowledged += 1
        self.journal.append(str(self.pending))
        self.pending = None

    def attached(self):
        return {ref for machine in self.machines.values() for ref in machine.disks}

    def writable_disks(self):
        """Disks that no machine holds open."""
        held = {ref for machine in self.machines.values() if machine.power != "Halted" for ref in machine.disks}
        return [ref for ref in self.disks if ref not in held]

    def free_disks(self):
        attached = self.attached()
        return [ref for ref in self.disks if ref not in attached]
