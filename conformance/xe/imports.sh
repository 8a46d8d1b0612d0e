#!/usr/bin/env bash
# vdi-import byte for byte: sizes from 3 bytes to 512 MB, from files and from pipes; the client hangs up behind its last byte.
# usage: XE_EXTRA_ARGS=... [XE=/path/to/xe] imports.sh DIRECTORY REPEATS FORMS
# FORMS: how the largest one comes, "file pipe" or one of them
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$1"
repeats=$2
SR=$(default_sr)
mkfifo pipe

# What the first bytes of a disk are, straight from standard output.
first_bytes() { # uuid length
    xe vdi-export uuid="$1" filename= | { head -c "$2" | hash; cat >/dev/null; }
}

# Without a length a raw import takes exactly the disk's size, so a pipe has zeroes behind the bytes.
import_once() { # uuid file form disk-size
    local writer
    if [[ $3 == file ]]; then
        xe vdi-import uuid="$1" filename="$2"
    else
        (cat "$2" && head -c $(($4 - $(stat -c %s "$2"))) /dev/zero) >pipe &
        writer=$!
        xe vdi-import uuid="$1" filename=pipe || { kill "$writer" 2>/dev/null; return 1; }
        wait "$writer"
    fi
}

import() { # bytes times forms
    local length=$1 times=$2 form disk size good round
    for form in $3; do
        disk=$(xe vdi-create name-label=import virtual-size="$length" sr-uuid="$SR" type=user)
        size=$(xe vdi-param-get uuid="$disk" param-name=virtual-size)
        good=0
        for ((round = 0; round < times; round++)); do
            head -c "$length" /dev/urandom >source
            import_once "$disk" source "$form" "$size" || continue
            [[ $(first_bytes "$disk" "$length") == "$(hash <source)" ]] && good=$((good + 1))
        done
        equal "$length bytes from a $form, $times times" "$good" "$times"
        xe vdi-destroy uuid="$disk"
    done
}

early_end() {
    local disk
    disk=$(xe vdi-create name-label=import virtual-size=4MiB sr-uuid="$SR" type=user)
    printf abc >pipe &
    refused "a pipe that ends before the disk" "VDI_IO_ERROR" xe vdi-import uuid="$disk" filename=pipe
    equal "leaves its bytes" "$(xe vdi-export uuid="$disk" filename= | { head -c 3; cat >/dev/null; })" abc
    xe vdi-destroy uuid="$disk"
}

vhd_from_pipe() {
    local disk
    disk=$(xe vdi-create name-label=import virtual-size=64MiB sr-uuid="$SR" type=user)
    truncate -s 64M source
    head -c 3M /dev/urandom | dd of=source bs=1M seek=20 conv=notrunc status=none
    qemu-img convert -O vpc -o force_size=on source source.vhd
    cat source.vhd >pipe &
    check "a VHD from a pipe" xe vdi-import uuid="$disk" filename=pipe format=vhd
    equal "its data" "$(xe vdi-export uuid="$disk" filename= | hash)" "$(hash <source)"
    xe vdi-destroy uuid="$disk"
    rm source.vhd
}

early_end
vhd_from_pipe
import 3 "$repeats" "file pipe"
import 200000 "$repeats" "file pipe"
import 5000000 "$repeats" "file pipe"
import 512000000 1 "$3"
rm -f source pipe
exit "$failed"
