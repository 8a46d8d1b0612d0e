# Completes the command line of xe in bash: commands, parameters, uuids, names, fields and files, asked from the server that the
# line names. To be sourced: . scripts/xe-completion.bash

# Runs xe for this line: with the options of the line that say which server and who asks.
_xe_ask() { "$_xe_program" "${_xe_login[@]}" "$@" 2>/dev/null </dev/null; }

# The values of a --minimal answer, one a line; a backslash keeps a comma.
_xe_values() { sed -e 's/\\,/\x01/g' -e 's/,/\n/g' | sed -e 's/\x01/,/g' -e 's/\\\\/\\/g' | sed '/^$/d'; }

_xe_commands() { _xe_ask help --all --minimal | _xe_values; }

# vdi-param-list makes no class of vdi-param.
_xe_is_class() { [[ $1 != *-param ]] && grep -qx -- "$1-list" <<<"$_xe_known"; }

# What the objects are that a command, or a parameter, is about: the longest beginning, or end, that has a list.
_xe_class_of_command() {
    local class=$1
    while [[ $class == *-* ]]; do
        class=${class%-*}
        _xe_is_class "$class" && { echo "$class"; return; }
    done
}

_xe_class_of_parameter() {
    local class=${1%-uuid}
    class=${class%-uuids}
    while ! _xe_is_class "$class"; do
        [[ $class == *-* ]] || return
        class=${class#*-}
    done
    echo "$class"
}

_xe_column() { # class field
    _xe_ask "$1-list" "params=$2" --minimal | _xe_values
}

# The keys of the first record.
_xe_fields() { # class
    _xe_ask "$1-list" params=all | sed -n -e '/^$/q' -e 's/^ *\([a-zA-Z0-9-]*\) *([MS]\{0,1\} *R[OW]).*/\1/p'
}

# What help says of a command: "parameter=" lines, and switches for what is either there or not.
_xe_parameters() { # command
    local text
    text=$(_xe_ask help "$1" | sed -n -e 's/^ *reqd params *: *//p' -e 's/^ *optional params *: *//p' | sed 's/, */\n/g')
    grep -v -e '^<' -e '^$' <<<"$text" | sed -e 's/^\(force\|paused\|progress\|multiple\|all\)$/--\1/' -e 's/^--\(.*\)$/--\1 /' -e '/[ :=]$/!s/$/=/' -e 's/ $//'
    case $text in
        *'<vm-selectors>'*) printf '%s\n' vm= uuid= --multiple ;;
        *'<host-selectors>'*) printf '%s\n' host= uuid= --multiple ;;
        *'<sr-selectors>'*) printf '%s\n' sr= uuid= --multiple ;;
    esac
    case $1 in
        *-list) printf '%s\n' params= --minimal --all ;;
    esac
}

_xe_parameter_values() { # command parameter beginning
    local class
    case $2 in
        filename | *-filename | passwordfile | cacert) compgen -f -- "$3" ;;
        format) printf '%s\n' raw vhd qcow2 ;;
        params | param-name)
            class=$(_xe_class_of_command "$1")
            [[ -n $class ]] && { [[ $2 == params ]] && echo all; _xe_fields "$class"; }
            ;;
        uuid | uuids)
            class=$(_xe_class_of_command "$1")
            [[ -n $class ]] && _xe_column "$class" uuid
            ;;
        *-uuid | *-uuids)
            class=$(_xe_class_of_parameter "$2")
            [[ -n $class ]] && _xe_column "$class" uuid
            ;;
        type)
            case $1 in
                vdi-create) printf '%s\n' system user suspend crashdump ;;
                sr-*) _xe_column sm type ;;
                vbd-create) printf '%s\n' Disk CD ;;
            esac
            ;;
        *) _xe_is_class "$2" && _xe_column "$2" name-label ;;
    esac
}

_xe() {
    local line=${COMP_LINE:0:COMP_POINT} word command='' name value kept i
    local -a words _xe_login=() found=()
    local _xe_program=${COMP_WORDS[0]} _xe_known
    # Words as the shell splits them, apart from quotes; = and : do not end one.
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    word=${words[-1]}
    COMPREPLY=()
    for ((i = 1; i < ${#words[@]} - 1; i++)); do
        case ${words[i]} in
            -s | -h | -p | -u | -pw | -pwf | --cacert)
                if ((i + 1 == ${#words[@]} - 1)); then
                    [[ ${words[i]} == -pwf || ${words[i]} == --cacert ]] && mapfile -t COMPREPLY < <(compgen -f -- "$word")
                    return
                fi
                _xe_login+=("${words[i]}" "${words[++i]}")
                ;;
            --nossl | --verify | server=* | port=* | username=* | password=* | passwordfile=* | nossl=* | verify=* | cacert=*) _xe_login+=("${words[i]}") ;;
            *) [[ -z $command || $command == help ]] && command=${words[i]} ;;
        esac
    done

    if [[ -z $command || $command == help ]]; then
        mapfile -t found < <(_xe_commands)
        [[ -z $command ]] && found+=(help)
    elif [[ $word == *=* ]]; then
        name=${word%%=*} value=${word#*=}
        _xe_known=$(_xe_commands)
        # A list of values is completed at its last one.
        kept=''
        [[ $name == params || $name == *uuids ]] && [[ $value == *,* ]] && kept=${value%,*},
        mapfile -t found < <(_xe_parameter_values "$command" "$name" "$value")
        found=("${found[@]/#/"$name=$kept"}")
    else
        mapfile -t found < <(_xe_parameters "$command")
    fi

    for name in "${found[@]}"; do
        [[ $name == "$word"* ]] && COMPREPLY+=("$(printf '%q' "$name" | sed 's/\\\([=:,]\)/\1/g')")
    done
    # Bash replaces only what stands behind the last of its word breaks.
    for value in = :; do
        if [[ $COMP_WORDBREAKS == *$value* && $word == *$value* ]]; then
            kept=${word%"${word##*"$value"}"}
            COMPREPLY=("${COMPREPLY[@]#"$kept"}")
        fi
    done
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=:] ]] && compopt -o nospace 2>/dev/null
    return 0
}

complete -F _xe xe scripts/xe ./scripts/xe
