#!/usr/bin/env bash
# Incremental backup with xe alone: a full and a differential backup of a disk, restored on a new one, compared bit by bit.
# usage: XE_EXTRA_ARGS=server=...,port=...,username=...,password=... [XE=/path/to/xe] recipe.sh DIRECTORY
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$1"

SR=$(default_sr)
check "the default repository is found" test -n "$SR"
VDI=$(xe vdi-create name-label=data virtual-size=64MiB sr-uuid="$SR" type=user)
head -c 8M /dev/urandom >disk.img
truncate -s 64M disk.img
check "an image is imported" xe vdi-import uuid="$VDI" filename=disk.img

# Full backup.
FULL=$(xe vdi-snapshot uuid="$VDI")
equal "a snapshot prints its uuid" "$(xe vdi-list uuid="$FULL" params=snapshot-of --minimal)" "$VDI"
check "the first snapshot is exported" xe vdi-export uuid="$FULL" filename=full.vhd format=vhd --progress

# The guest writes 4 MiB.
truncate -s 64M change.img
head -c 4M /dev/urandom | dd of=change.img bs=1M seek=40 conv=notrunc status=none
qemu-img convert -O vpc -o force_size=on change.img change.vhd
check "the disk changes" xe vdi-import uuid="$VDI" filename=change.vhd format=vhd

# Differential backup.
DELTA=$(xe vdi-snapshot uuid="$VDI")
check "the difference is exported" xe vdi-export uuid="$DELTA" filename=delta.vhd format=vhd base="$FULL" --progress
check "qemu-img knows the file" qemu-img info delta.vhd
size=$(stat -c %s delta.vhd)
check "it holds what changed, and not much else ($size bytes)" test "$size" -gt 4194304 -a "$size" -lt 6291456

# Restore.
SIZE=$(xe vdi-param-get uuid="$DELTA" param-name=virtual-size)
RESTORE=$(xe vdi-create name-label=restored virtual-size="$SIZE" sr-uuid="$SR" type=user)
check "the full backup is restored" xe vdi-import uuid="$RESTORE" filename=full.vhd format=vhd --progress
check "the difference is restored on it" xe vdi-import uuid="$RESTORE" filename=delta.vhd format=vhd --progress
check "the restored disk is exported" xe vdi-export uuid="$RESTORE" filename=restored.img
check "the live disk is exported" xe vdi-export uuid="$VDI" filename=now.img format=raw
equal "they are equal" "$(hash <restored.img)" "$(hash <now.img)"
dd if=change.img of=disk.img bs=1M skip=40 seek=40 count=4 conv=notrunc status=none
equal "and what was written" "$(hash <restored.img)" "$(hash <disk.img)"

for disk in "$RESTORE" "$DELTA" "$FULL" "$VDI"; do
    check "a disk goes" xe vdi-destroy uuid="$disk"
done
equal "nothing is left" "$(xe vdi-list name-label=restored --minimal)$(xe vdi-list name-label=data --minimal)" ""
exit "$failed"
