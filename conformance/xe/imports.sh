#!/usr/bin/env bash
# vdi-import byte for byte: sizes from 3 bytes to 512 MB, from files and from pipes; the client hangs up behind its last byte.
# usage: XE_EXTRA_ARGS=... [XE=/path/to/xe] imports.sh DIRECTORY REPEATS
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

import_once() { # uuid file form
    local writer
    if [[ $3 == file ]]; then
        xe vdi-import uuid="$1" filename="$2"
    else
        cat "$2" >pipe &
        writer=$!
        xe vdi-import uuid="$1" filename=pipe || { kill "$writer" 2>/dev/null; return 1; }
        wait "$writer"
    fi
}

import() { # bytes times
    local length=$1 times=$2 form disk good round
    for form in file pipe; do
        disk=$(xe vdi-create name-label=import virtual-size="$length" sr-uuid="$SR" type=user)
        good=0
        for ((round = 0; round < times; round++)); do
            head -c "$length" /dev/urandom >source
            import_once "$disk" source "$form" || continue
            [[ $(first_bytes "$disk" "$length") == "$(hash <source)" ]] && good=$((good + 1))
        done
        equal "$length bytes from a $form, $times times" "$good" "$times"
        xe vdi-destroy uuid="$disk"
    done
}

import 3 "$repeats"
import 200000 "$repeats"
import 5000000 "$repeats"
import 512000000 1
rm -f source pipe
exit "$failed"
