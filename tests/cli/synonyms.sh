#!/usr/bin/env bash
# `espalier prepare synonyms`: from every source, on any ranks, refused where it is wrong, and in a study
. tests/cli/common.bash
. tests/cli/refuse.bash
cd "$scratch" || exit 1
awk 'BEGIN { srand(3); for (i = 0; i < 900; i++) { printf "w%d", i; for (k = 0; k < 8; k++) printf " %.4f", rand() - 0.5; print "" } }' >v.txt
printf '{"w1": ["w2", "w1", "w3", "w3"], "great": ["good"]}' >n.json
printf 'w1 Great\ngood good\n' >p.txt
printf 'w2 w1\n' >a.txt
prints 'neighbours.bin: * words, 902 of them with neighbours, *pairs, *bytes, SHA-256 *left out: * words beside themselves, * pairs that were there, * antonyms' \
    "$espalier" prepare synonyms -q --vectors v.txt --neighbours n.json --pairs p.txt --antonyms a.txt --wordnet
for n in 2 3; do
    check "the same bytes on $n ranks" eval 'ranks $n prepare synonyms -q --vectors v.txt --neighbours n.json --pairs p.txt --antonyms a.txt --wordnet --out $n.bin >/dev/null && cmp neighbours.bin $n.bin'
done
prints 'json.bin: 5 words, 2 of them with neighbours, 3 pairs, *left out: 1 words beside themselves, 1 pairs that were there, 0 antonyms' \
    "$espalier" prepare synonyms -q --neighbours n.json --out json.bin
prints 'json.bin: index of neighbours, 5 words, 2 of them with neighbours, 3 pairs*"kind": "neighbours"*"sha256": "*' "$espalier" info json.bin
prints 'Usage: espalier prepare synonyms *--vectors=FILE*' "$espalier" prepare synonyms --help

refused 2 'from what? give --vectors, --neighbours, --pairs or --wordnet' "$espalier" prepare synonyms
refused 2 '--top: expected a whole number from 1 to 1000, got "0"' "$espalier" prepare synonyms --vectors v.txt --top 0
refused 2 '--min-cosine: expected a number from -1 to 1, got "2"' "$espalier" prepare synonyms --vectors v.txt --min-cosine 2
refused 74 'cannot read absent: No such file or directory' mpirun -n 2 "$espalier" prepare synonyms --vectors absent
refused 2 '*nowhere/index.noun does not exist: install wordnet-base, or name the folder' "$espalier" prepare synonyms --wordnet=nowhere
printf 'a 1 2\nb 1\n' >bad.txt
refused 65 'bad.txt:2: expected 2 numbers, got 1' mpirun -n 2 "$espalier" prepare synonyms -q --vectors bad.txt --out none.bin
printf 'a 1 2\na 2 1\n' >bad.txt
refused 65 'bad.txt:2: "a" stands twice' "$espalier" prepare synonyms --vectors bad.txt --out none.bin
check "nothing is written then" test ! -e none.bin

# a study takes the index as it takes the list it was made from, and refuses one that is cut off
cat >s.yaml <<Y
name: s
data: {name: synthetic, heldout_examples: 40, test_examples: 20}
synthetic: {train: 200, test: 100, corpus: 100}
model: {layers: 1, hidden: 32, heads: 2, feed_forward: 64, positions: 64}
finetune: {epochs: 1}
soup: {examples: 10}
prune: {methods: []}
attack: {examples: 10}
data: {max_length: 64}
Y
sed -i '/^data: {max/d; s/test_examples: 20/test_examples: 20, max_length: 64/' s.yaml
"$espalier" prepare -q s.yaml --set directory=one >/dev/null 2>&1
check "a study's data" test -f one/data/neighbours.json
"$espalier" prepare synonyms -q --neighbours one/data/neighbours.json --out toy.bin >/dev/null
"$espalier" run -q s.yaml --set directory=one >one.txt 2>one.err
check "by the list" test -s one.txt
"$espalier" run -q s.yaml --set directory=two --set attack.neighbours="$PWD/toy.bin" >two.txt 2>two.err
check "by the index: the same table" diff one.txt two.txt
head -c 4000 toy.bin >cut.bin
refused 65 'cut.bin: cut off: 4000 bytes of * make it again with `espalier prepare synonyms*' \
    "$espalier" run -q s.yaml --set directory=three --set attack.neighbours="$PWD/cut.bin"
# the file of attack.tagger_path says what it is: weights are recognised by their first character
printf '{}' >w.json
refused 65 'w.json: expected "classes": a list of 1 to 256 tags' \
    "$espalier" run -q s.yaml --set directory=four --set attack.tagger_path="$PWD/w.json"
"$espalier" run -q s.yaml --set directory=five --set attack.tagger_path="$PWD/one/data/tags.tsv" >five.txt 2>five.err
check "a lexicon is recognised: the same table" diff one.txt five.txt
finish
