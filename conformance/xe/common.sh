# To be sourced by the scripts of this folder. The server and who asks it stand in XE_EXTRA_ARGS, which any xe understands.
xe=${XE:-$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/scripts/xe}
failed=0

xe() { "$xe" "$@"; }

ok() { echo "ok $1"; }

not_ok() {
    failed=1
    echo "not ok $1"
    [[ -z ${2:-} ]] || sed 's/^/    /' <<<"$2"
}

# A command whose success is one check; nothing it prints is shown unless it fails.
check() { # name command...
    local name=$1 printed
    shift
    if printed=$("$@" 2>&1); then ok "$name"; else not_ok "$name" "exit $?: $* $printed"; fi
}

equal() { # name actual expected
    if [[ $2 == "$3" ]]; then ok "$1"; else not_ok "$1" "expected $3
got      $2"; fi
}

# A command that has to fail, and what it has to say on standard error.
refused() { # name text command...
    local name=$1 text=$2 said code=0
    shift 2
    said=$("$@" 2>&1 >/dev/null) || code=$?
    if [[ $code -eq 1 && $said == *"$text"* ]]; then ok "$name"; else not_ok "$name" "exit $code, $said"; fi
}

hash() { sha256sum | cut -c1-64; }

default_sr() { xe pool-list params=default-SR --minimal; }
