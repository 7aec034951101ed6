#!/usr/bin/env bash
# asked to stop, by whatever way, and started again: same tables; and restarts that achieve nothing
. tests/cli/common.bash
. tests/cli/refuse.bash
# shellcheck disable=SC2034
tiny=(tests/cli/tiny.yaml --set "study.directory=$scratch/out")
summary() { (cd "$1" && sha256sum study.yaml models/*/* report/*) | grep -v " study.yaml$" | sort -k2; }
is_marked() { grep -qF "stopped on request ($1)" "$scratch/out/stopped"; }
runs() { timeout -k 5 240 "$@" >"$scratch/stdout" 2>"$scratch/stderr" </dev/null; }

ranks 2 run tests/cli/tiny.yaml --set study.directory="$scratch/whole" >"$scratch/table" 2>/dev/null
check "the study runs" test $? = 0
summary "$scratch/whole" >"$scratch/sum"

# every rank signals itself, at boundary 7, then 37, then 67, ...: each start ends somewhere else,
# by turns alone (75) and under mpirun (0 and the marker), on changing host names and file dates
starts=0
at=7
while [ $starts -lt 60 ]; do
    if [ $((starts % 2)) = 0 ]; then
        runs unshare --uts --map-root-user sh -c "hostname other$starts 2>/dev/null; exec \"\$@\"" sh \
            "$espalier" run "${tiny[@]}" --self-interrupt $at
    else
        runs mpirun -n 3 "$espalier" run "${tiny[@]}" --self-interrupt $at
    fi
    code=$?
    starts=$((starts + 1))
    [ -e "$scratch/out/stopped" ] || break
    check "start $starts: 75 alone, 0 under mpirun" test $code = $((starts % 2 * 75))
    check "start $starts: no result" test ! -s "$scratch/stdout"
    check "start $starts: says why" is_marked "signal USR1"
    find "$scratch/out" -exec touch -d "$((2100 - 40 * (starts % 2)))-01-01" {} +
    at=$((at + 30))
done
check "finished in the end" test $code = 0
check "after some stops" test $starts -gt 4
summary "$scratch/out" >"$scratch/sum.out"
check "same models and report" cmp "$scratch/sum" "$scratch/sum.out"
check "same printed tables" cmp "$scratch/table" "$scratch/stdout"
check "starts are counted" grep -q "\"starts\": $starts," "$scratch/out/starts.json"
echo "  stopped $((starts - 1)) times"

# time: half a second of it, then none of the ranks has begun the attack
rm -rf "$scratch/out"
runs "$espalier" run "${tiny[@]}" --max-time 0:01
check "out of time: 75" test $? = 75
check "and says so" is_marked "its time (--max-time) is over"
refused 2 '--max-time: expected minutes or HH:MM:SS, got "soon"' "$espalier" run "${tiny[@]}" --max-time soon
refused 2 '--self-interrupt: expected a whole number, got "x"' "$espalier" run "${tiny[@]}" --self-interrupt x
refused 2 '--max-restarts: expected a whole number, got "-1"' "$espalier" run "${tiny[@]}" --max-restarts=-1

# a file, in a study that would go on for minutes
rm -rf "$scratch/out"
(until [ -e "$scratch/out/pretrain.checkpoint" ]; do sleep 0.1; done; touch "$scratch/out/stop") &
runs mpirun -n 2 "$espalier" run "${tiny[@]}" --set pretrain.epochs=1000
check "stopped by the file: 0 under mpirun" test $? = 0
wait
check "and says so" is_marked "the file \`stop\` is in the study's folder"
refused_stop() { # no "error:", exit code 75 also under mpirun
    runs "$@"
    [ $? = 75 ] && grep -q "^the file .*/stop stops this study: remove it to go on" "$scratch/stderr"
}
check "does not start beside the file" refused_stop "$espalier" run "${tiny[@]}" --set pretrain.epochs=1000
check "nor under mpirun" refused_stop mpirun -n 2 "$espalier" run "${tiny[@]}" --set pretrain.epochs=1000
rm "$scratch/out/stop"

# stopped before its first unit, again and again
rm -rf "$scratch/out"
none=("$espalier" finetune "${tiny[@]}" --set pretrain.epochs=0 --self-interrupt 1 --max-restarts 3)
for i in 1 2 3 4 5 6; do
    runs "${none[@]}"
    code=$?
    [ $code = 75 ] || break
done
check "gives up" test $code = 1
check "after three restarts without progress" test $i = 6
refused 1 'out: restarted 3 times without any progress: *--max-restarts 0*' "${none[@]}"
runs "${none[@]}" --max-restarts 0
check "unless it is told not to" test $? = 75
finish
