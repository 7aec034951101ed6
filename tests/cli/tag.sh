#!/usr/bin/env bash
# `espalier tag` and `espalier prepare tagger`: what they print, the same on any ranks, what they refuse
. tests/cli/common.bash
. tests/cli/refuse.bash
cd "$scratch" || exit 1

# a language of our own: "the" is a determiner, what follows a noun, then verbs and nouns in turn
awk 'BEGIN { split("dog cat bird fish tree", n, " "); split("sees likes eats finds", v, " ")
    for (i = 0; i < 300; i++)
        printf "the\tDET\tDT\n%s\tNOUN\tNN\n%s\tVERB\tVBZ\nAnn\tPROPN\tNNP\n.\tPUNCT\t.\n\n",
            n[i * 7 % 5 + 1], v[i * 5 % 4 + 1] }' >train.tsv
prints 'train.tsv: 1500 words in 300 sentences, 3 epochs, seed 1*out.json: 5 pairs of tags, *bytes, SHA-256 *train.tsv: 1500 words, universal tag right 100.00 %, as one of twelve 100.00 %, Penn tag 100.00 %' \
    "$espalier" prepare tagger -q --train train.tsv --dev train.tsv --epochs 3 --out out.json
check "the same on two ranks" eval '"$espalier" prepare tagger -q --train train.tsv --out one.json >/dev/null &&
    ranks 2 prepare tagger -q --train train.tsv --out two.json >/dev/null && cmp one.json two.json'
printf 'the bird sees Ann .\n\nthe dog\n' >in.txt
prints $'the\tDT\tDET\nbird\tNN\tNOUN\nsees\tVBZ\tVERB\nAnn\tNNP\tPROPN\n.\t.\tPUNCT\n\n\nthe\tDT\tDET\ndog\tNN\tNOUN' \
    "$espalier" tag --tagger out.json in.txt
printf 'the\tDET\nsees\tVERB\nsees\tNOUN\n' >lexicon.tsv
prints $'the\t-\tDET\nbird\t-\tX\nsees\t-\tNOUN|VERB\nAnn\t-\tX\n.\t-\tX*' "$espalier" tag -T lexicon.tsv in.txt
prints $'the\t-\tDET\nbird\t-\tNOUN|VERB\nsees\t-\tNOUN|VERB\nAnn\t-\tNOUN\n.\t-\t.\n*' "$espalier" tag in.txt
prints 'Usage: espalier prepare tagger *--train=FILE*' "$espalier" prepare tagger --help

# many lines, over ranks, from a file and from a pipe
awk 'BEGIN { for (i = 0; i < 30000; i++) { printf "the dog %d sees", i; for (k = i % 40; k > 0; k--) printf " bird%d", k; print "" } }' >many.txt
"$espalier" tag -T out.json many.txt >one
check "all words are there" test "$(grep -c . one)" = "$(wc -w <many.txt)"
for n in 2 3; do
    check "the same from a file on $n ranks" eval 'ranks $n tag -T out.json many.txt | cmp - one'
    # a short one: mpirun itself (Open MPI 4.1.4) can crash while it forwards a long input
    check "the same from a pipe on $n ranks" eval 'ranks $n tag -T out.json <in.txt | cmp - <("$espalier" tag -T out.json in.txt)'
done
check "two files are one after the other" eval '"$espalier" tag -T out.json in.txt - <many.txt | cmp - <("$espalier" tag -T out.json in.txt; cat one)'

refused 2 'which tagged text? give --train FILE' "$espalier" prepare tagger
refused 2 '--epochs: expected a whole number from 1 to 1000, got "0"' "$espalier" prepare tagger --train train.tsv --epochs 0
refused 74 'cannot read absent: No such file or directory' "$espalier" prepare tagger --train absent
refused 74 'cannot read absent: No such file or directory' mpirun -n 2 "$espalier" tag --tagger absent in.txt
refused 74 'absent: cannot be read: No such file or directory' mpirun -n 2 "$espalier" tag -T out.json absent
printf 'the\tDET\n' >short.tsv
refused 65 'short.tsv:1: expected 3 columns, got 2: word, universal tag and Penn tag, with tabs between; a blank line between sentences' \
    "$espalier" prepare tagger --train short.tsv --out none.json
check "nothing is written then" test ! -e none.json
printf 'the dog\n\xff\n' >bad.txt
refused 65 'bad.txt:2: invalid UTF-8 (byte 0xff); convert the file to UTF-8' "$espalier" tag -T out.json bad.txt
finish
