#!/usr/bin/env bash
# Xen Orchestra's client library, unmodified, in the version of package-lock.json. One line per check.
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
source ../common/npm.sh
node test.mjs
code=$?
node cache.mjs && exit $code
