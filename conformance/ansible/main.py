"""Runs the playbook once and compares its results and the server's records. usage: run.sh"""

import json
import os

import harness
import xenapi

DEBIAN_PYTHON = "/usr/bin/python3"
FOLDER = os.path.dirname(os.path.abspath(__file__))


def installed():
    code, out, _ = harness.run(DEBIAN_PYTHON, "-c", "import os_xenapi.client.XenAPI, ansible_collections.community.general")
    return code == 0 and harness.tool("ansible-playbook") is not None


def ansible(work, playbook, **variables):
    """Results by the name of the task."""
    environment = {
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_HOME": work("ansible"), "ANSIBLE_LOCAL_TEMP": work("ansible-tmp"), "ANSIBLE_REMOTE_TEMP": work("ansible-tmp"),
        "PYTHONPATH": FOLDER, "ANSIBLE_DEPRECATION_WARNINGS": "false", "LC_ALL": "C.UTF-8",
    }
    variables["ansible_python_interpreter"] = DEBIAN_PYTHON
    command = ["env", "-u", "ANSIBLE_CONFIG", *("%s=%s" % pair for pair in environment.items()),
               harness.tool("ansible-playbook"), "-i", "localhost,", "-c", "local", "-e", json.dumps(variables), os.path.join(FOLDER, playbook)]
    code, out, err = harness.run(*command, timeout=900)
    try:
        plays = json.loads(out[out.index("{"):])["plays"]
    except ValueError:
        raise RuntimeError("ansible-playbook ended with %d\n%s\n%s" % (code, out, err)) from None
    return {task["task"]["name"]: task["hosts"]["localhost"] for play in plays for task in play["tasks"]}


def life_of_a_machine(checks, work, server, session):
    pool = session.call("pool.get_all")[0]
    sr = session.call("pool.get_default_SR", pool)
    templates = session.call("VM.get_all_records_where", 'field "is_a_template" = "true" and field "is_default_template" = "true"')
    template = sorted(record["name_label"] for record in templates.values())[0]
    networks = session.call("network.get_all_records")
    network = sorted(record["name_label"] for record in networks.values() if record["PIFs"])[0]
    before = set(session.call("VDI.get_all"))
    results = ansible(work, "playbook.yml", url=server.http, password=harness.PASSWORD, template=template,
                      network=network, sr=session.call("SR.get_name_label", sr))

    def done(task, changed):
        result = results.get(task, {"failed": True, "msg": "the task did not run"})
        return checks.ok(task, not result.get("failed") and bool(result.get("changed")) == changed, json.dumps(result)[:1500])

    def state(task):
        return results.get(task, {}).get("instance", {}).get("state")

    done("check mode", True)
    if done("deploy", True):
        instance = results["deploy"]["instance"]
        checks.equal("deploy: processors and memory", (instance["hardware"]["num_cpus"], instance["hardware"]["memory_mb"]), (2, 512))
        checks.equal("deploy: disks", [(d["name"], d["size"]) for d in instance["disks"]], [("first", 64 << 20), ("second", 32 << 20)])
        checks.equal("deploy: interface", instance["networks"][0]["mac"], "02:11:22:33:44:55")
    done("deploy again", False)
    if done("power on", True):
        checks.ok("power on: the guest tells its address", results["power on"]["instance"]["networks"][0]["ip"] != "")
    done("info", False)
    checks.equal("info: it runs", state("info"), "poweredon")
    done("add a disk and an interface while it runs", True)
    done("suspend", True)
    checks.equal("suspend: it is suspended", state("suspend"), "suspended")
    done("resume", True)
    done("reboot the guest", True)
    done("hard reboot", True)
    if done("reconfigure with force", True):
        changed = results["reconfigure with force"]["instance"]
        checks.equal("reconfigure with force: what was asked for", (changed["hardware"]["num_cpus"], changed["hardware"]["memory_mb"], changed["disks"][0]["size"], changed["state"]), (1, 1024, 128 << 20, "poweredon"))
    checks.ok("reconfigure without force: refused by the module", results["reconfigure without force"].get("failed"))
    done("shut the guest down", True)
    for copy in ("full copy", "linked clone"):
        if done(copy, True):
            checks.equal(copy + ": has the disks", len(results[copy]["instance"]["disks"]), 3)
    done("make a template", True)
    copies = [session.call("VM.get_by_name_label", name)[0] for name in ("full copy", "linked clone")]
    checks.ok("copies of a template are none", not any(session.call("VM.get_is_a_template", vm) for vm in copies))
    done("power off what is off", False)
    checks.ok("unknown machine: the module says so", "not found" in results["unknown machine"].get("msg", ""))
    checks.ok("wrong password: the module says so", "SESSION_AUTHENTICATION_FAILED" in results["wrong password"].get("msg", ""), results["wrong password"])
    done("remove", True)
    done("remove again", False)
    checks.equal("remove: the machine is gone", session.call("VM.get_by_name_label", "from ansible"), [])
    left = [session.call("VDI.get_record", vdi) for vdi in set(session.call("VDI.get_all")) - before]
    owners = {session.call("VM.get_name_label", session.call("VBD.get_VM", vbd)) for record in left for vbd in record["VBDs"]}
    checks.equal("remove: only the copies' disks are left", owners, {"full copy", "linked clone"})


def facts(checks, work, server, session):
    if not server.ready.get("unix"):
        checks.ok("the server listens on a local socket", False, server.ready)
        return
    os.environ["XAPI_SOCKET"] = server.ready["unix"]
    result = ansible(work, "facts.yml")["facts"]
    found = result.get("ansible_facts", {})
    checks.ok("facts were found", not result.get("failed"), json.dumps(result)[:1500])
    checks.equal("all machines", set(found.get("xs_vms", {})), {r["name_label"] for r in session.call("VM.get_all_records").values()})
    checks.equal("all repositories", set(found.get("xs_srs", {})), {r["name_label"] for r in session.call("SR.get_all_records").values()})
    checks.equal("all networks", set(found.get("xs_networks", {})), {r["name_label"] for r in session.call("network.get_all_records").values()})
    checks.ok("physical interfaces", "eth0" in found.get("xs_pifs", {}))


def main():
    checks = harness.Checks()
    if not installed():
        checks.skip("everything", "Debian's ansible and python3-os-xenapi are needed")
        checks.finish()
    with harness.WorkDirectory() as work, harness.Server(work("state"), "--unix", work("xapi.sock"), https="off") as server:
        session = xenapi.Session(server.http)
        for name, part in (("playbook", life_of_a_machine), ("local facts", facts)):
            checks.prefix = name + ": "
            checks.run("ran to its end", part, checks, work, server, session)
    checks.finish()


main()
