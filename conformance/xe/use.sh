#!/usr/bin/env bash
# What scripts rely on: layout, exit codes, refusals, files that are not touched.
# usage: XE_EXTRA_ARGS=... [XE=/path/to/xe] use.sh DIRECTORY
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$1"
SR=$(default_sr)

VDI=$(xe vdi-create name-label='one disk' virtual-size=4MiB sr-uuid="$SR" type=user)
equal "a list in its layout" "$(xe vdi-list uuid="$VDI" params=uuid,name-label,virtual-size)" "uuid ( RO)            : $VDI
      name-label ( RW): one disk
    virtual-size ( RO): 4194304"
check "vdi-param-set" xe vdi-param-set uuid="$VDI" name-description='a, b \ c' other-config:k=v
equal "vdi-param-get" "$(xe vdi-param-get uuid="$VDI" param-name=name-description)" 'a, b \ c'
equal "vdi-param-get of a key" "$(xe vdi-param-get uuid="$VDI" param-name=other-config param-key=k)" v
equal "a filter on a map" "$(xe vdi-list other-config:k=v --minimal)" "$VDI"
equal "minimal protects commas and backslashes" "$(xe vdi-list uuid="$VDI" params=name-description --minimal)" 'a\, b \\ c'
equal "an empty list prints nothing" "$(xe vdi-list name-label='no such disk')" ""
equal "an empty minimal list prints one line" "$(xe vdi-list name-label='no such disk' --minimal | wc -l)" 1
check "help" xe help
equal "help knows the commands" "$(xe help --all --minimal | tr ',' '\n' | grep -cx -e vdi-import -e vm-start)" 2

refused "an unknown command" "Unknown command: no-such-command" xe no-such-command
refused "a missing parameter" "Required parameter not found: uuid" xe vdi-snapshot
refused "a wrong password" "Authentication failed" xe vdi-list -pw wrong
refused "an unknown object" "$SR" xe vdi-snapshot uuid="$SR"
refused "a machine that is not there" "No matching VMs found" xe vm-start vm='no such machine'
refused "an unreadable file" "'missing' does not exist" xe vdi-import uuid="$VDI" filename=missing
echo precious >old
refused "a file that exists" "File exists" xe vdi-export uuid="$VDI" filename=old
equal "it is as it was" "$(cat old)" precious
refused "an export of nothing" "" xe vdi-export uuid="$SR" filename=new
equal "leaves no file" "$(ls)" old

rm -f new
bar=$(xe vdi-export uuid="$VDI" filename=new --progress 2>&1 >/dev/null)
if [[ $bar == *100%* ]]; then ok "a progress bar on standard error"; else not_ok "a progress bar on standard error" "$bar"; fi
rm new

# Machines: selectors and questions.
VM=$(xe vm-clone vm=demo new-name-label=copy)
equal "vm-clone prints the uuid" "$(xe vm-list name-label=copy --minimal)" "$VM"
refused "more machines than one" "--multiple" xe vm-start
check "vm-start by name" xe vm-start vm=copy
equal "it runs" "$(xe vm-param-get uuid="$VM" param-name=power-state)" running
check "event-wait for what is already so" xe event-wait class=vm uuid="$VM" power-state=running
refused "a second start" "The VM" xe vm-start vm=copy
check "vm-shutdown" xe vm-shutdown --force uuid="$VM"
SNAPSHOT=$(xe vm-snapshot vm=copy new-name-label=before)
equal "a snapshot is in its list" "$(xe snapshot-list snapshot-of="$VM" params=name-label --minimal)" before
equal "and not among the machines" "$(xe vm-list uuid="$SNAPSHOT" --minimal)" ""
printed=$(printf 'no\n' | xe vm-uninstall uuid="$VM") || not_ok "an answer of no is no failure"
if [[ $printed == *"Aborted (you typed: 'no')"* ]]; then ok "a question is asked"; else not_ok "a question is asked" "$printed"; fi
refused "no answer at all" "Lost connection to the server." xe vm-uninstall uuid="$VM" </dev/null
equal "it is still there" "$(xe vm-list name-label=copy --minimal)" "$VM"
printed=$(printf ' YES \n' | xe vm-uninstall uuid="$VM") || not_ok "an answer of yes"
if [[ $printed == *"All objects destroyed"* ]]; then ok "an answer of yes"; else not_ok "an answer of yes" "$printed"; fi
equal "it is gone, with its snapshot" "$(xe vm-list name-label=copy --minimal)$(xe snapshot-list name-label=before --minimal)" ""

check "vdi-destroy" xe vdi-destroy uuid="$VDI"
equal "no task is left" "$(xe task-list --minimal)" ""
rm old
exit "$failed"
