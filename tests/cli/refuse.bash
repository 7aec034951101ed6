# refused CODE MESSAGE COMMAND...: the command ends with CODE, says exactly one line "error: MESSAGE" (or
# argp's "espalier…: MESSAGE"), and prints no result. MESSAGE is a pattern of [[ == ]]; "$scratch/" is cut
# from what it is compared with. Under mpirun its own words about the exit code do not count.
refused() {
    local code=$1 message=$2 got
    shift 2
    timeout -k 5 60 "$@" >"$scratch/stdout" 2>"$scratch/stderr" </dev/null
    got=$?
    sed -i "s#$scratch/##g" "$scratch/stderr"
    local lines
    lines=$(grep -cE '^(error|espalier[a-z ]*): ' "$scratch/stderr")
    # shellcheck disable=SC2053
    if [ "$got" = "$code" ] && [ ! -s "$scratch/stdout" ] && [ "$lines" = 1 ] &&
        [[ $(grep -E '^(error|espalier[a-z ]*): ' "$scratch/stderr" | sed -E 's/^[a-z ]+: //') == $message ]]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $* : expected exit $code and one \"$message\", got exit $got and"
        sed 's/^/    /' "$scratch/stderr" "$scratch/stdout" | head -12
    fi
}
# COMMAND prints TEXT (a pattern) and exits 0
prints() {
    local text=$1 got
    shift
    got=$(timeout -k 5 60 "$@" 2>"$scratch/stderr" </dev/null) || got="exit $? $(cat "$scratch/stderr")"
    # shellcheck disable=SC2053
    if [[ $got == $text ]]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $* : expected \"$text\", got"
        echo "$got" | sed 's/^/    /' | head -12
    fi
}
