#!/usr/bin/env bash
# Formatting, static analysis and the house rules that a machine can check.
set -uo pipefail
bad=0
say() { echo "$*"; bad=1; }
mapfile -t c < <(git ls-files '*.c' '*.h')
badly=$(clang-format --dry-run -Werror "${c[@]}" 2>&1 | grep -E 'error:' | head -20)
if [ -n "$badly" ]; then
    say "$badly"
    say "formatting: run clang-format -i on these files"
fi
cppcheck --quiet --std=c11 --language=c --enable=warning,portability --inline-suppr --error-exitcode=1 \
    -Isrc --suppress=missingIncludeSystem --suppress=unknownMacro -j 2 src jobs 2>&1 | tail -20
[ "${PIPESTATUS[0]}" = 0 ] || say "cppcheck: see above"
for f in jobs/*.c; do
    n=$(wc -l <"$f")
    [ "$n" -le 150 ] || say "$f: $n lines, a job has at most 150"
done
for f in "${c[@]}"; do
    n=$(wc -l <"$f")
    [ "$n" -le 600 ] || say "$f: $n lines, a file has at most 600"
done
if grep -nE '\b(TODO|FIXME|XXX)\b' "${c[@]}"; then say "unfinished marks"; fi
if grep -nE '\b(printf|puts|exit|abort)\(' src/*/*.c | grep -vE 'src/base/(log|err)\.c:|__attribute__'; then
    say "libraries neither print nor exit"
fi
if grep -nE 'rank == 0' src/*/*.c | grep -vE '^src/(base|par|work|store|linalg)/'; then
    say "rank == 0 above the layers that own it"
fi
[ $bad = 0 ] && echo "lint: ok"
exit $bad
