#!/usr/bin/env bash
# Xen Orchestra's library for pools, unmodified, in the versions of package-lock.json. One line per check.
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
source ../common/npm.sh
code=0
node test.mjs || code=1
node adoption.mjs || code=1
exit $code
