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

check "vdi-destroy" xe vdi-destroy uuid="$VDI"
equal "no task is left" "$(xe task-list --minimal)" ""
rm old
exit "$failed"
