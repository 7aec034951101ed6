#!/usr/bin/env bash
# a study's folder: not another study's, one run at a time, nothing half-written; and doctor
. tests/cli/common.bash
. tests/cli/refuse.bash
out=$scratch/out
tiny() { echo "$1" tests/cli/tiny.yaml --set study.directory="$out"; }
# shellcheck disable=SC2046
timeout -k 5 60 "$espalier" -q $(tiny pretrain)
check "pretrain ends well" test $? = 0
sum() { (cd "$out" && find . -type f ! -name .lock ! -name starts.json -print0 | sort -z | xargs -0 sha256sum | sha256sum); }
before=$(sum)

# shellcheck disable=SC2046
refused 2 'out/study.yaml was written by another study (*' "$espalier" $(tiny pretrain) --set seed=4
check "another study changed nothing" test "$before" = "$(sum)"
# shellcheck disable=SC2046
timeout -k 5 60 "$espalier" -q $(tiny pretrain)
check "the same study again: nothing to do" test "$before" = "$(sum)"

mv "$out/kernel" "$scratch/kernel"
printf 'kernel other' >"$out/kernel"
timeout -k 5 60 "$espalier" pretrain "$out" 2>"$scratch/e"
check "another kernel than it began with is told" grep -q '^warning: .*out: begun by kernel other; now by OpenBLAS' "$scratch/e"
mv "$scratch/kernel" "$out/kernel"

timeout -k 5 60 "$espalier" -q pretrain "$out"
check "the folder means its study" test $?:"$before" = "0:$(sum)"
(cd "$out" && timeout -k 5 60 "$espalier" -q pretrain study.yaml)
check "and its study.yaml the folder, wherever it lies" test $?:"$before" = "0:$(sum)"
refused 2 '*: a folder without study.yaml: give a study*' "$espalier" pretrain "$out/models"

# the attack's files are read before anything is trained; then the folder is nobody's yet
wrong() { # option, code, message
    refused "$2" "$3" "$espalier" run tests/cli/tiny.yaml --set study.directory="$scratch/wrong" --set "$1"
    check "$1: nothing was made" test -z "$(ls "$scratch/wrong/models" "$scratch/wrong/journal" | grep -v :)"
}
echo '{"a": 3}' >"$scratch/n.json"
: >"$scratch/empty"
wrong attack.neighbours="$scratch/empty" 65 "empty:1:0: '\[' or '{' expected*"
wrong attack.neighbours="$scratch/n.json" 65 'n.json: "a": expected a list of words'
wrong attack.tagger_path="$scratch/empty" 65 'empty:1: the file is empty'
wrong attack.similarity_checkpoint="$scratch/none" 2 '*attack.similarity_checkpoint: none does not exist, *'
timeout -k 5 60 "$espalier" -q prepare tests/cli/tiny.yaml --set study.directory="$scratch/wrong" --set synthetic.train=400
check "put right, it begins there" test "$?:$(wc -l <"$scratch/wrong/data/train.tsv")" = 0:401
timeout -k 5 60 "$espalier" -q prepare tests/cli/tiny.yaml --set study.directory="$scratch/wrong"
check "with its own data" test "$?:$(wc -l <"$scratch/wrong/data/train.tsv")" = "0:$(wc -l <"$out/data/train.tsv")"

# a process that holds the folder's lock, as a run does
python3 - "$out/.lock" <<'P' &
import fcntl, os, struct, sys, time
fd = os.open(sys.argv[1], os.O_RDWR)
fcntl.fcntl(fd, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))  # F_OFD_SETLK
open(sys.argv[1] + ".held", "w").close()
time.sleep(30)
P
holder=$!
for _ in $(seq 100); do [ -e "$out/.lock.held" ] || sleep 0.1; done
rm -f "$out/.lock.held"
# shellcheck disable=SC2046
refused 1 'another run works in out (*): wait for it, or stop it; if that host is down, remove out/.lock' "$espalier" $(tiny pretrain)
# shellcheck disable=SC2046
refused 1 'another run works in out (*): wait for it, or stop it; if that host is down, remove out/.lock' mpirun -n 2 "$espalier" $(tiny pretrain)
kill $holder
wait $holder 2>/dev/null
check "a second run changed nothing" test "$before" = "$(sum)"

# the input changed under the study
echo 'an added film .	1' >>"$out/data/train.tsv"
# shellcheck disable=SC2046
refused 2 '*has changed since this study began*' "$espalier" $(tiny pretrain)

# no room: a file system of 40 KiB, in a mount namespace of its own
rm -rf "$out"
mkdir "$out"
small() { unshare --mount --map-root-user sh -c "mount -t tmpfs -o size=40k none $out && $1"; }
if small true 2>"$scratch/e"; then
    small "timeout -k 5 60 $espalier $(tiny prepare) 2>$scratch/e; echo \$? >$scratch/code; ls $out/data >$scratch/left"
    check "no space left ends with 74" test "$(cat "$scratch/code")" = 74
    check "one message" test "$(grep -c '^error: cannot write ' "$scratch/e")" = 1
    check "nothing half-written is published" test -z "$(grep -e train.tsv -e tmp "$scratch/left")"
else
    echo "skipped: no space left (no mount namespaces here)"
fi
# shellcheck disable=SC2046
timeout -k 5 60 "$espalier" -q $(tiny pretrain)
check "an empty folder is fine, and the same study gives the same bytes" test "$before" = "$(sum)"

# doctor: passes here, on one rank and on several, and fails where it should
export OPENBLAS_NUM_THREADS=1
for n in 1 2 3; do
    ranks $n doctor --directory "$scratch" >"$scratch/d" 2>"$scratch/e"
    check "doctor on $n ranks" test $? = 0
    check "ten findings" test "$(grep -cE '^(PASS|WARN)  [a-z0-9]+ ' "$scratch/d")" = 10
    check "of $n ranks in one world" grep -q "^PASS  ranks    $n in one world" "$scratch/d"
done
check "doctor leaves nothing behind" test -z "$(find "$scratch" -name 'espalier-doctor*')"
SLURM_NTASKS=4 timeout -k 5 60 "$espalier" doctor -d "$scratch" >"$scratch/d" 2>"$scratch/e"
check "four tasks, one rank: exit 1" test $? = 1
check "and says how to mend it" grep -q '^FAIL  ranks    SLURM_NTASKS is 4, but MPI sees 1: start with' "$scratch/d"
check "with one error" grep -q '^error: 1 of 10 checks failed' "$scratch/e"
refused 74 'absent: cannot make a folder here: *' "$espalier" doctor -d "$scratch/absent"
finish
