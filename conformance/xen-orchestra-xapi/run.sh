#!/usr/bin/env bash
# Xen Orchestra's library for pools, unmodified, in the versions of package-lock.json. One line per check.
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
source ../common/npm.sh
exec node test.mjs
