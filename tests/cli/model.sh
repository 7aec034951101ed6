#!/usr/bin/env bash
# models and safetensors files that are refused (exit 65, 74), and what predict and info say of good ones
. tests/cli/common.bash
. tests/cli/refuse.bash
f=$scratch/f.safetensors
le64() { # a number as 8 bytes, lowest first
    local i n=$1
    for ((i = 0; i < 8; i++)); do printf "\\x$(printf %02x $((n >> 8 * i & 255)))"; done
}
file() { # header, bytes of data, message
    { le64 ${#1} && printf '%s' "$1" && head -c "$2" /dev/zero; } >"$f"
    refused 65 "f.safetensors: $3" "$espalier" info "$f"
}
array() { echo "\"$1\": {\"dtype\": \"$2\", \"shape\": $3, \"data_offsets\": $4}"; }
printf 'abc' >"$f"
refused 65 'f.safetensors: truncated: 3 bytes, *' "$espalier" info "$f"
{ le64 16777217 && head -c 100 /dev/zero; } >"$f"
refused 65 'f.safetensors: header of 16777217 bytes, at most 16 MiB are allowed' "$espalier" info "$f"
{ le64 1000 && printf '{}'; } >"$f"
refused 65 'f.safetensors: truncated: the header has 1000 bytes, the file 10' "$espalier" info "$f"
file '{"a": ' 0 'header, column *'
file '[]' 0 'the header is not an object'
file "{$(array a F32 '[2]' '[0, 8]')}" 7 '*data_offsets \[0, 8] do not lie in the file*'
file "{$(array a F32 '[2]' '[0, 8]')}" 9 '1 bytes behind the last array'
file "{$(array a F32 '[3]' '[0, 8]')}" 8 '*8 bytes of data, but dtype and shape make 12'
file "{$(array a F33 '[2]' '[0, 8]')}" 8 '*unknown dtype "F33"'
file "{$(array a F32 '[4294967296, 4294967296]' '[0, 8]')}" 8 '*the product of the shape overflows'
file "{$(array a F32 '[-1]' '[0, 8]')}" 8 '*shape has an entry that is not a size'
file "{$(array a F32 '[2]' '[0, 8]'), $(array b F32 '[2]' '[4, 12]')}" 12 '*overlaps the one before it'
file "{$(array a F32 '[2]' '[0, 8]'), $(array b F32 '[2]' '[12, 20]')}" 20 '*leaves a hole behind the one before it'
file "{$(array a F32 '[2]' '[0, 8]'), $(array a F32 '[2]' '[8, 16]')}" 16 'header, column *'

# small models of a study's first stages: start has no classifier, scratch has one
"$espalier" finetune -q tests/cli/tiny.yaml --set study.directory="$scratch/t" 2>"$scratch/e" || cat "$scratch/e"
good=$scratch/t/models/scratch
refused 2 '*: prune.patterns: 32:64 and *pattern 32:64 does not divide 32 inputs*' "$espalier" plan tests/cli/tiny.yaml \
    --set model.checkpoint="$good" --set 'prune.patterns=["32:64"]'
printf 'the movie is great .\n\nan awful film\n' >"$scratch/text"
prints '*/scratch: BERT encoder*1 layers, 32 wide, 2 heads, feed-forward 64, 48 positions*classes: negative, positive*' \
    "$espalier" info "$good"
prints '*study tiny, seed 3*models/scratch/model.safetensors*by finetune*finetune *scratch *1*' "$espalier" info "$scratch/t"
"$espalier" predict "$good" "$scratch/text" >"$scratch/p1"
check "a line for each line" test "$(wc -l <"$scratch/p1")" = 3
check "label and two probabilities" test \
    "$(grep -cP '^(negative|positive)\t[01]\.\d{6}\t[01]\.\d{6}$' "$scratch/p1")" = 3
cut -f1 "$scratch/t/data/test.tsv" >"$scratch/many"
for n in 1 2 3; do
    ranks $n predict "$good" "$scratch/many" >"$scratch/many$n"
    check "predict on $n ranks is predict on 1" cmp "$scratch/many1" "$scratch/many$n"
done
check "and on many lines" test "$(wc -l <"$scratch/many1")" = "$(wc -l <"$scratch/many")"

broken() { # what to do to a copy of the model, code, message
    rm -rf "$scratch/m"
    cp -r "$good" "$scratch/m"
    (cd "$scratch/m" && eval "$1") || echo "FAILED: cannot $1"
    refused "$2" "$3" "$espalier" predict "$scratch/m" "$scratch/text"
}
broken 'truncate -s -100 model.safetensors' 65 'm/model.safetensors: *'
broken 'printf "\377\377\377\377" | dd of=model.safetensors bs=1 seek=$(($(stat -c %s model.safetensors) - 40)) conv=notrunc 2>/dev/null' \
    65 'm/model.safetensors: array *: element * is not finite'
broken 'sed -i "s/\"hidden_size\": 32/\"hidden_size\": 34/" config.json' 65 'm/model.safetensors: array * has shape (*); config.json asks for (*)'
broken 'sed -i "s/\"num_attention_heads\": 2/\"num_attention_heads\": 3/" config.json' 65 'm/config.json: hidden_size 32 is not a multiple of num_attention_heads 3'
broken 'sed -i "s/\"num_hidden_layers\": 1/\"num_hidden_layers\": 2/" config.json' 65 'm/model.safetensors: array * is missing'
broken 'sed -i "s/\"gelu\"/\"relu\"/" config.json' 65 'm/config.json: field "hidden_act" is "relu"; only "gelu" is supported'
broken 'echo "{" >config.json' 65 'm/config.json:*'
broken 'echo wombat >>vocab.txt' 65 'm/vocab.txt: * pieces, but the model has * word embeddings'
broken 'rm vocab.txt' 74 '*m: neither vocab.txt nor vocab.json with merges.txt is there'
broken 'rm model.safetensors' 74 '*m: neither model.safetensors nor model.safetensors.index.json is there'
broken 'mv model.safetensors pytorch_model.bin' 65 'm/pytorch_model.bin: only safetensors are read; convert once, in Python: *'
broken 'sed -i "s/\"bert\"/\"albert\"/" config.json' 65 'm/config.json: field "model_type" is "albert"; supported are bert, distilbert, roberta'
broken 'echo "{\"do_lower_case\": false}" >tokenizer_config.json' 65 'm/tokenizer_config.json: field "do_lower_case" is false: *'
refused 65 '*/start: the model has no classifier: fine-tune it first' "$espalier" predict "$scratch/t/models/start" "$scratch/text"
refused 74 '*absent: No such file or directory' "$espalier" predict "$good" "$scratch/absent"
printf 'a\nb \xff\n' >"$scratch/latin"
refused 65 'latin:2: invalid UTF-8 (byte 0xff); *' mpirun -n 2 "$espalier" predict "$good" "$scratch/latin"
: >"$scratch/empty"
refused 65 'empty:1: the file is empty' "$espalier" predict "$good" "$scratch/empty"
refused 74 'absent: No such file or directory' "$espalier" info "$scratch/absent"
refused 2 'text: expected .safetensors, .yaml, .h5, an index of neighbours or a folder' "$espalier" info "$scratch/text"
refused 2 "root: expected a model's folder (config.json) or a study's (study.yaml)" sh -c "mkdir $scratch/root; exec $espalier info $scratch/root"
finish
