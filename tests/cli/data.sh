#!/usr/bin/env bash
# data sets, vocabularies and texts that are refused: file and line, exit codes 65 and 74
. tests/cli/common.bash
. tests/cli/refuse.bash
mkdir -p "$scratch/root/sst2"
root=$scratch/root
vocab=$scratch/vocab.txt
printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]' good bad a film >"$vocab"
printf '{"good": ["bad"]}' >"$scratch/n.json"
cat >"$scratch/s.yaml" <<Y
name: s
directory: $scratch/out
data: {name: sst2, root: $root, vocabulary: $vocab, heldout_examples: 2}
attack: {neighbours: $scratch/n.json, tagger: none}
soup: {examples: 1}
Y
good() { # n: a split of n rows
    printf 'sentence\tlabel\n'
    local i
    for ((i = 0; i < $1; i++)); do printf 'a good film %d\t%d\n' "$i" $((i % 2)); done
}
# a split that is wrong in one place: its bytes, code, message
split() {
    good 8 >"$root/sst2/train.tsv"
    printf '%b' "$1" >"$root/sst2/dev.tsv"
    rm -rf "$scratch/out"
    refused "$2" "$3" "$espalier" prepare "$scratch/s.yaml"
}
split 'sentence\tlabel\na film\n' 65 'root/sst2/dev.tsv:2: expected 2 columns, got 1'
split 'sentence\tlabel\na film\t1\nx\ty\tz\n' 65 'root/sst2/dev.tsv:3: expected 2 columns, got 3'
split 'sentence\tlabel\na film\t2\n' 65 'root/sst2/dev.tsv:2: *label*2*'
split 'sentence\tlabel\na film\tgood\n' 65 'root/sst2/dev.tsv:2: *label*good*'
split 'sentence\tlabel\na \xff film\t1\n' 65 'root/sst2/dev.tsv:2: invalid UTF-8 (byte 0xff); *'
split 'sentence\tlabel\na \x00 film\t1\n' 65 'root/sst2/dev.tsv:2: a NUL byte; *'
split '' 65 'root/sst2/dev.tsv:1: the file is empty'
split 'sentence\tlabel\n' 65 'root/sst2/dev.tsv:*'
rm "$root/sst2/dev.tsv"
refused 74 '*root/sst2/dev.tsv: No such file or directory' "$espalier" prepare "$scratch/s.yaml"
refused 74 '*root/sst2/dev.tsv: No such file or directory' mpirun -n 2 "$espalier" prepare "$scratch/s.yaml"

# vocabularies
pieces() { # message, pieces...
    local message=$1
    shift
    printf '%s\n' "$@" >"$scratch/v.txt"
    refused 65 "$message" "$espalier" tokenize --vocab "$scratch/v.txt" "$vocab"
}
pieces 'v.txt*\[UNK\]*' '[PAD]' '[CLS]' '[SEP]' a
pieces 'v.txt*\[CLS\]*' '[PAD]' '[UNK]' '[SEP]' a
pieces 'v.txt:6:*a*' '[PAD]' '[UNK]' '[CLS]' '[SEP]' a a
pieces 'v.txt:5:*' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '' a
refused 65 'v.txt:1: the file is empty' env sh -c ": >$scratch/v.txt; exec $espalier tokenize --vocab $scratch/v.txt $vocab"
refused 74 'cannot read absent: No such file or directory' "$espalier" tokenize --vocab absent "$vocab"

# texts
printf 'a film\na\0b\n' >"$scratch/nul.txt"
timeout -k 5 60 "$espalier" tokenize --vocab "$vocab" "$scratch/nul.txt" >"$scratch/o" 2>"$scratch/e"
check "a NUL byte ends with 65" test $? = 65
check "and is told with its line" grep -q 'nul.txt:2: a NUL byte; expected text' "$scratch/e"
refused 74 'absent.txt: cannot be read: No such file or directory' "$espalier" tokenize --vocab "$vocab" "absent.txt"
refused 74 'root: cannot be read: Is a directory' "$espalier" tokenize --vocab "$vocab" "$root"

# what is right: one line for each, empty ones too
printf 'A GOOD film\n\nwombat bad\r\nfilm' >"$scratch/t.txt"
prints $'7 5 8\n\n1 6\n8' "$espalier" tokenize --vocab "$vocab" "$scratch/t.txt"
prints $'a good film\n\n\\[UNK\\] bad\nfilm' "$espalier" tokenize --pieces --vocab "$vocab" "$scratch/t.txt"
prints $'7 5 8\n\n1 6\n8' mpirun -n 2 "$espalier" tokenize --vocab "$vocab" "$scratch/t.txt"
full() { timeout 60 "$espalier" tokenize --vocab "$vocab" "$scratch/t.txt" 2>"$scratch/e" >/dev/full; [ $? = 74 ]; }
check "no space left on standard output" full
finish
