# what the tests of the program share: where it is, a scratch folder, a counter
build=${BUILD:-build}
[[ $build = /* ]] || build=$PWD/$build
espalier=$build/espalier
shared=${ESPALIER_SHARED:-../shared}
export OPENBLAS_NUM_THREADS=1 OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
    OMPI_MCA_rmaps_base_oversubscribe=1
unset ESPALIER_DATA # of whoever runs the tests
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0
failed=0
check() { # description, command...
    local what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $what"
        return 1
    fi
}
finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}
ranks() { # n, arguments of espalier
    local n=$1
    shift
    timeout -k 5 240 mpirun -n "$n" "$espalier" "$@"
}
