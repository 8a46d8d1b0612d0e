"""What scripts that import XenAPI do: log in, install, power, snapshot, follow events, watch tasks, read failures."""

import time

import harness
import transfer
from os_xenapi.client import XenAPI

NULL = "OpaqueRef:NULL"


def failure(function, *arguments):
    """Details of the Failure that a call raises."""
    try:
        return ["no failure", function(*arguments)]
    except XenAPI.Failure as problem:
        return problem.details


def wait(session, task, seconds=60):
    end = time.monotonic() + seconds
    while session.xenapi.task.get_status(task) == "pending":
        if time.monotonic() > end:
            raise TimeoutError(task)
        time.sleep(0.01)
    record = session.xenapi.task.get_record(task)
    session.xenapi.task.destroy(task)
    return record


def login(checks, server):
    session = XenAPI.Session(server.http)
    session.xenapi.login_with_password("root", harness.PASSWORD, "1.0", "a script")
    host = session.xenapi.session.get_this_host(session.handle)
    checks.equal("the session knows its host", host, session.xenapi.host.get_all()[0])
    checks.equal("it knows its user", session.xenapi.session.get_auth_user_name(session.handle), "root")
    checks.ok("the version is known", session.API_version.startswith("2."), session.API_version)
    checks.equal("a wrong password", failure(XenAPI.Session(server.http).login_with_password, "root", "wrong")[0], "SESSION_AUTHENTICATION_FAILED")
    checks.equal("an unknown method", failure(session.xenapi.VM.no_such_method)[0], "MESSAGE_METHOD_UNKNOWN")
    other = XenAPI.Session(server.http)
    other.xenapi.login_with_password("root", harness.PASSWORD)
    old = other.handle
    other._session = "OpaqueRef:00000000-0000-0000-0000-000000000000"
    checks.ok("a lost session is renewed by the module", len(other.xenapi.pool.get_all()) == 1 and other.handle != old)
    other.xenapi.session.logout()
    return session


def install(checks, session):
    """From a built-in template, as installation scripts do."""
    templates = session.xenapi.VM.get_all_records_where('field "is_default_template" = "true"')
    template = sorted(templates, key=lambda ref: "disks" not in templates[ref]["other_config"])[0]
    sr = session.xenapi.pool.get_default_SR(session.xenapi.pool.get_all()[0])
    vm = session.xenapi.VM.clone(template, "installed")
    config = session.xenapi.VM.get_other_config(vm)
    if "disks" in config:
        config["disks"] = config["disks"].replace('sr=""', 'sr="%s"' % session.xenapi.SR.get_uuid(sr))
        session.xenapi.VM.set_other_config(vm, config)
    session.xenapi.VM.provision(vm)
    checks.ok("no template any more after provision", not session.xenapi.VM.get_is_a_template(vm))
    made = [vbd for vbd in session.xenapi.VM.get_VBDs(vm) if session.xenapi.VBD.get_type(vbd) == "Disk"]
    checks.equal("disks of the template", len(made), config.get("disks", "").count("<disk "))
    network = [ref for ref, record in session.xenapi.network.get_all_records().items() if record["PIFs"]][0]
    session.xenapi.VIF.create({
        "device": session.xenapi.VM.get_allowed_VIF_devices(vm)[0], "network": network, "VM": vm, "MAC": "", "MTU": "1500", "qos_algorithm_type": "",
        "qos_algorithm_params": {}, "other_config": {}})
    vdi = session.xenapi.VDI.create({
        "name_label": "data", "name_description": "", "SR": sr, "virtual_size": str(8 << 20), "type": "user", "sharable": False, "read_only": False,
        "other_config": {}})
    session.xenapi.VBD.create({
        "VM": vm, "VDI": vdi, "userdevice": session.xenapi.VM.get_allowed_VBD_devices(vm)[0], "bootable": False, "mode": "RW", "type": "Disk",
        "empty": False, "other_config": {}, "qos_algorithm_type": "", "qos_algorithm_params": {}})
    session.xenapi.VM.set_memory_limits(vm, str(128 << 20), str(512 << 20), str(256 << 20), str(512 << 20))
    checks.equal("memory limits", session.xenapi.VM.get_memory_dynamic_min(vm), str(256 << 20))
    checks.equal("memory limits out of order", failure(session.xenapi.VM.set_memory_limits, vm, "3", "1", "2", "1")[0], "MEMORY_CONSTRAINT_VIOLATION_ORDER")
    return vm, vdi


def power(checks, session, vm):
    def state():
        return session.xenapi.VM.get_power_state(vm)

    checks.ok("allowed before", "start" in session.xenapi.VM.get_allowed_operations(vm))
    session.xenapi.VM.start(vm, False, False)
    checks.equal("start", state(), "Running")
    checks.equal("starting twice", failure(session.xenapi.VM.start, vm, False, False), ["VM_BAD_POWER_STATE", vm, "halted", "running"])
    host = session.xenapi.VM.get_resident_on(vm)
    checks.ok("its host lists it", vm in session.xenapi.host.get_resident_VMs(host))
    checks.ok("it has a console", len(session.xenapi.VM.get_consoles(vm)) > 0)
    for call, arguments, expected in (
            ("suspend", (), "Suspended"), ("resume", (False, False), "Running"), ("pause", (), "Paused"), ("unpause", (), "Running"),
            ("clean_reboot", (), "Running"), ("hard_reboot", (), "Running"), ("clean_shutdown", (), "Halted"), ("start_on", (host, True, False), "Paused"),
            ("unpause", (), "Running"), ("hard_shutdown", (), "Halted")):
        getattr(session.xenapi.VM, call)(vm, *arguments)
        checks.equal(call, state(), expected)
    task = wait(session, getattr(session.xenapi, "Async").VM.start(vm, False, False))
    checks.equal("an asynchronous start", (task["status"], task["error_info"]), ("success", []))
    task = wait(session, getattr(session.xenapi, "Async").VM.start(vm, False, False))
    checks.equal("an asynchronous failure", (task["status"], task["error_info"]), ("failure", ["VM_BAD_POWER_STATE", vm, "halted", "running"]))
    vbd = [v for v in session.xenapi.VM.get_VBDs(vm) if session.xenapi.VBD.get_type(v) == "Disk"][-1]
    session.xenapi.VBD.unplug(vbd)
    checks.ok("unplugged", not session.xenapi.VBD.get_currently_attached(vbd))
    session.xenapi.VBD.plug(vbd)
    checks.ok("plugged", session.xenapi.VBD.get_currently_attached(vbd))


def snapshots(checks, session, server, vm, vdi):
    class Plain:
        """What the transfer helpers want."""
        url, ref = server.http, session.handle

        @staticmethod
        def call(method, *arguments):
            return session.xenapi_request(method, arguments)

        @staticmethod
        def wait(task, _timeout=60):
            end = time.monotonic() + 60
            while session.xenapi.task.get_status(task) == "pending":
                if time.monotonic() > end:
                    raise TimeoutError(task)
                time.sleep(0.01)
            if session.xenapi.task.get_status(task) != "success":
                raise XenAPI.Failure(session.xenapi.task.get_error_info(task))

    session.xenapi.VM.hard_shutdown(vm)
    transfer.upload_ranges(Plain, vdi, [(0, b"before")])
    snapshot = session.xenapi.VM.snapshot(vm, "snap")
    checks.equal("tree: the snapshot is the parent", session.xenapi.VM.get_parent(vm), snapshot)
    before = transfer.export(Plain, vdi).digest
    transfer.upload_ranges(Plain, vdi, [(0, b"after!")])
    session.xenapi.VM.revert(snapshot)
    disks = [session.xenapi.VBD.get_VDI(v) for v in session.xenapi.VM.get_VBDs(vm) if session.xenapi.VBD.get_type(v) == "Disk"]
    data = [d for d in disks if session.xenapi.VDI.get_name_label(d) == "data"][0]
    checks.equal("reverted bytes", transfer.export(Plain, data).digest, before)
    session.xenapi.VM.start(vm, False, False)
    checkpoint = session.xenapi.VM.checkpoint(vm, "with memory")
    checks.equal("a checkpoint is suspended", session.xenapi.VM.get_power_state(checkpoint), "Suspended")
    session.xenapi.VM.hard_shutdown(vm)
    copy = session.xenapi.VM.copy(vm, "copied", NULL)
    copied = [session.xenapi.VBD.get_VDI(v) for v in session.xenapi.VM.get_VBDs(copy) if session.xenapi.VBD.get_type(v) == "Disk"]
    twin = [d for d in copied if session.xenapi.VDI.get_name_label(d) == "data"][0]
    checks.equal("copied bytes", transfer.export(Plain, twin).digest, before)
    template = session.xenapi.VM.clone(copy, "template")
    session.xenapi.VM.set_is_a_template(template, True)
    checks.equal("a template does not start", failure(session.xenapi.VM.start, template, False, False), ["VM_IS_TEMPLATE", template, "start"])
    for machine in (template, copy, checkpoint, snapshot):
        if session.xenapi.VM.get_power_state(machine) != "Halted":
            session.xenapi.VM.hard_shutdown(machine)
        session.xenapi.VM.destroy(machine)
    checks.equal("a reference of nothing", failure(session.xenapi.VM.start, copy, False, False), ["HANDLE_INVALID", "VM", copy])


def events(checks, session, vm):
    event_from = getattr(session.xenapi.event, "from")
    token = event_from(["VM"], "", 0.0)["token"]
    session.xenapi.VM.set_name_label(vm, "seen")
    answer = event_from(["VM"], token, 10.0)
    checks.ok("event.from tells of a change", [e["snapshot"]["name_label"] for e in answer["events"] if e["ref"] == vm] == ["seen"], answer["events"])
    checks.ok("counts are there", int(answer["valid_ref_counts"]["vm"]) == len(session.xenapi.VM.get_all()))
    session.xenapi.event.register(["VM"])
    session.xenapi.VM.set_name_label(vm, "seen again")
    old = session.xenapi.event.next()
    checks.ok("event.next tells of it too", any(e["ref"] == vm and e["snapshot"]["name_label"] == "seen again" for e in old), old)
    session.xenapi.event.unregister(["VM"])


def storage_and_networks(checks, session, work):
    host = session.xenapi.host.get_all()[0]
    sr = session.xenapi.SR.create(host, {"location": work("repository")}, "0", "scratch", "", "file", "user", False, {})
    checks.ok("a new repository has a plugged PBD", session.xenapi.PBD.get_currently_attached(session.xenapi.SR.get_PBDs(sr)[0]))
    vdi = session.xenapi.VDI.create({"name_label": "there", "name_description": "", "SR": sr, "virtual_size": "1048576", "type": "user", "sharable": False, "read_only": False, "other_config": {}})
    checks.equal("it is not empty", failure(session.xenapi.SR.destroy, sr)[0], "SR_HAS_PBD")
    session.xenapi.SR.scan(sr)
    session.xenapi.VDI.destroy(vdi)
    for pbd in session.xenapi.SR.get_PBDs(sr):
        session.xenapi.PBD.unplug(pbd)
    session.xenapi.SR.destroy(sr)
    checks.equal("gone", failure(session.xenapi.SR.get_uuid, sr), ["HANDLE_INVALID", "SR", sr])
    network = session.xenapi.network.create({"name_label": "private", "name_description": "", "MTU": "1500", "other_config": {}, "tags": []})
    pif = [ref for ref, record in session.xenapi.PIF.get_all_records().items() if record["physical"]][0]
    vlan = session.xenapi.pool.create_VLAN_from_PIF(pif, network, "42")
    checks.equal("a VLAN on each host", [session.xenapi.PIF.get_VLAN(p) for p in vlan], ["42"] * len(session.xenapi.host.get_all()))
    session.xenapi.VLAN.destroy(session.xenapi.PIF.get_VLAN_master_of(vlan[0]))
    session.xenapi.network.destroy(network)


def hosts(checks, session):
    host = session.xenapi.host.get_all()[0]
    session.xenapi.host.disable(host)
    checks.ok("disabled", not session.xenapi.host.get_enabled(host))
    session.xenapi.host.enable(host)
    checks.ok("enabled", session.xenapi.host.get_enabled(host))
    checks.ok("its time", len(str(session.xenapi.host.get_servertime(host))) > 10)
    checks.equal("an unknown plugin", failure(session.xenapi.host.call_plugin, host, "no-such-plugin", "main", {})[0], "XENAPI_MISSING_PLUGIN")
    message = session.xenapi.message.create("TEST", "3", "host", session.xenapi.host.get_uuid(host), "body")
    checks.ok("a message", session.xenapi.message.get_record(message)["body"] == "body")
    session.xenapi.message.destroy(message)


def main():
    checks = harness.Checks()
    with harness.WorkDirectory() as work, harness.Server(work("state"), "--sr-root", work.path, https="off") as server:
        session, made = None, None

        def part(name, function, *arguments):
            checks.prefix = name + ": "
            try:
                return function(checks, *arguments)
            except Exception:  # noqa: BLE001
                import traceback
                checks.ok("ran to its end", False, traceback.format_exc())

        session = part("login", login, server)
        made = part("install", install, session)
        if made:
            part("power", power, session, made[0])
            part("snapshots", snapshots, session, server, *made)
            part("events", events, session, made[0])
        part("storage and networks", storage_and_networks, session, work)
        part("hosts", hosts, session)
        checks.prefix = ""
        session.xenapi.session.logout()
        checks.equal("the server stops cleanly", server.stop()[0], 0)
    checks.finish()


main()
