#!/usr/bin/env bash
# The layer rule: a folder of src includes and calls only folders of a lower layer, and foreign
# libraries are reached only from the folders that own them: by includes and by the objects' symbols.
set -euo pipefail
build=${1:-build}
bad=0
declare -A layer=([base]=0 [config]=1 [tensor]=1 [io]=1 [par]=1 [text]=2 [model]=2 [linalg]=2 [store]=2
    [work]=2 [train]=3 [eval]=3 [sweep]=4 [soup]=4 [prune]=4 [attack]=4 [report]=5)
say() { echo "$*"; bad=1; }

for dir in src/*/; do
    from=$(basename "$dir")
    [ -n "${layer[$from]:-}" ] || { say "src/$from: has no layer in tests/lint/layers.sh"; continue; }
    while IFS=: read -r file line text; do
        to=${text#*\"}
        to=${to%%/*}
        [ "$to" = "$from" ] && continue
        [ -n "${layer[$to]:-}" ] && [ "${layer[$to]}" -lt "${layer[$from]}" ] ||
            say "$file:$line: src/$from (layer ${layer[$from]}) may not include src/$to (layer ${layer[$to]:-none})"
    done < <(grep -nE '^#include "[a-z]+/' "$dir"*.[ch] /dev/null || true)
done
if grep -nE '#include "(\.\./)?job' src/*/*.[ch]; then say "src includes jobs"; fi

# owns PATTERN FOLDER...: only these folders refer to symbols of this pattern
owns() {
    local pattern=$1 c o found
    shift
    for c in src/*/*.c; do
        [[ " $* " == *" $(basename "$(dirname "$c")") "* ]] && continue
        o=$build/${c%.c}.o
        case $c in src/tensor/gemm_openblas.c | src/tensor/gemm_onednn.c | src/tensor/gemm_native.c)
            [ -f "$o" ] || continue ;; # one of the three is in a build
        esac
        [ -f "$o" ] || { say "$o is not built: make lib"; continue; }
        found=$(nm -u "$o" | awk '{print $2}' | grep -E "$pattern" | head -3 | tr '\n' ' ' || true)
        [ -z "$found" ] || say "$c refers to $found: only $* may"
    done
}
owns '^(MPI_|PMPI_|ompi_mpi_)' par linalg store
owns '^(Cblacs_|Cp[a-z]+gemr2d|p[sd][a-z]+_$|numroc_|descinit_)' linalg
owns '^H5' store
owns '^(cblas_|LAPACKE_|openblas_)' tensor linalg
owns '^yaml_' config
owns '^utf8proc_' text
[ $bad = 0 ] && echo "layers: ok"
exit $bad
