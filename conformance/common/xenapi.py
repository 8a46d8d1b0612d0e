"""A XenAPI client as scripts write it: xmlrpc.client, no verification of the self-signed certificate."""

import ssl
import time
import xmlrpc.client

NULL = "OpaqueRef:NULL"


class XenError(Exception):
    """A failure answer: code and parameters."""

    def __init__(self, details):
        super().__init__(str(details))
        self.details = details
        self.code = details[0]
        self.parameters = details[1:]


def unverified():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Session:
    """One login. Not for use by several threads at once."""

    def __init__(self, url, user="root", password="xapicompat", login=True):
        self.url = url
        context = unverified() if url.startswith("https:") else None
        self.proxy = xmlrpc.client.ServerProxy(url, context=context)
        self.ref = self.raw("session.login_with_password", user, password, "1.0", "conformance") if login else ""

    def raw(self, method, *arguments):
        """A call without the session parameter."""
        answer = getattr(self.proxy, method)(*arguments)
        if answer["Status"] == "Success":
            return answer["Value"]
        raise XenError(answer["ErrorDescription"])

    def call(self, method, *arguments):
        return self.raw(method, self.ref, *arguments)

    def run_async(self, method, *arguments, timeout=120):
        """Async.<method>: waits for its task, destroys it, answers its result (a ref where there is one)."""
        task = self.call("Async." + method, *arguments)
        try:
            self.wait(task, timeout)
            text = self.call("task.get_result", task)
        finally:
            self.call("task.destroy", task)
        return text.removeprefix("<value>").removesuffix("</value>")

    def wait(self, task, timeout=120):
        """Polls a task until it has ended; raises unless it succeeded."""
        end, pause = time.monotonic() + timeout, 0.005
        while True:
            status = self.call("task.get_status", task)
            if status == "success":
                return
            if status in ("failure", "cancelled"):
                raise XenError(self.call("task.get_error_info", task) or [status])
            if time.monotonic() > end:
                raise TimeoutError("task %s is still %s" % (task, status))
            time.sleep(pause)
            pause = min(pause * 1.5, 0.25)

    def default_sr(self):
        pool = self.call("pool.get_all")[0]
        return self.call("pool.get_default_SR", pool)

    def create_vdi(self, size, name="disk", sr=None, **members):
        return self.call("VDI.create", vdi_record(sr or self.default_sr(), size, name, **members))

    def create_vm(self, name, *disks):
        """A halted VM; disks are attached at positions 0, 1, ..."""
        vm = self.call("VM.create", vm_record(name))
        for position, disk in enumerate(disks):
            self.call("VBD.create", vbd_record(vm, disk, position))
        return vm

    def disks_of(self, vm):
        """VDI refs of a VM by position."""
        found = {}
        for vbd in self.call("VM.get_VBDs", vm):
            record = self.call("VBD.get_record", vbd)
            if record["type"] == "Disk":
                found[record["userdevice"]] = record["VDI"]
        return [found[key] for key in sorted(found)]


def fails_with(code, function, *arguments):
    """True when the call is refused with this code."""
    try:
        function(*arguments)
    except XenError as error:
        return error.code == code
    return False


def vdi_record(sr, size, name, **members):
    record = {
        "name_label": name, "name_description": "", "SR": sr, "virtual_size": str(size), "type": "user",
        "sharable": False, "read_only": False, "other_config": {}, "xenstore_data": {}, "sm_config": {}, "tags": [],
    }
    return {**record, **members}


def vbd_record(vm, vdi, position):
    return {
        "VM": vm, "VDI": vdi, "userdevice": str(position), "bootable": position == 0, "mode": "RW", "type": "Disk",
        "empty": False, "other_config": {}, "qos_algorithm_type": "", "qos_algorithm_params": {},
    }


def vm_record(name):
    memory = str(256 << 20)
    return {
        "name_label": name, "name_description": "", "user_version": "1", "is_a_template": False, "affinity": NULL,
        "memory_static_max": memory, "memory_dynamic_max": memory, "memory_dynamic_min": memory,
        "memory_static_min": memory, "VCPUs_params": {}, "VCPUs_max": "1", "VCPUs_at_startup": "1",
        "actions_after_shutdown": "destroy", "actions_after_reboot": "restart", "actions_after_crash": "restart",
        "PV_bootloader": "", "PV_kernel": "", "PV_ramdisk": "", "PV_args": "", "PV_bootloader_args": "",
        "PV_legacy_args": "", "HVM_boot_policy": "BIOS order", "HVM_boot_params": {"order": "cd"}, "platform": {},
        "PCI_bus": "", "other_config": {}, "recommendations": "",
    }
