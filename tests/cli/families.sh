#!/usr/bin/env bash
# A whole study from a DistilBERT and from a RoBERTa checkpoint: what comes out is of the same family, loads
# again, and does not depend on the number of ranks.
set -u
. tests/cli/common.bash
. tests/cli/refuse.bash
cat >"$scratch/s.yaml" <<'END'
name: families
seed: 5
data: {name: synthetic, heldout_examples: 40, max_length: 40}
synthetic: {train: 200, test: 40, corpus: 400}
model: {layers: 1, hidden: 32, heads: 2, feed_forward: 64, positions: 48}
pretrain: {epochs: 1, batch: 32, max_length: 40, learning_rate: 2e-3}
finetune:
  learning_rate: 4e-3
  epochs: 4
  batch: 16
  variants:
    - {name: a, seed: 1}
    - {name: b, seed: 2}
soup: {examples: 6}
prune: {methods: [adaptive], sparsity: [0.5], calibration: 40, calibration_length: 40, chunk: 8}
attack: {examples: 10}
END
"$espalier" pretrain -q "$scratch/s.yaml" --set study.directory="$scratch/bert" 2>"$scratch/e" || cat "$scratch/e"
/usr/bin/python3 tests/cli/families.py "$scratch/bert/models/start" "$scratch/distilbert" "$scratch/roberta"
summary() { # folder: every file that may not depend on the number of ranks
    (cd "$1" && sha256sum models/*/* report/*) | sort -k2
}
study() { # family, ranks
    ranks "$2" run -q "$scratch/s.yaml" --set study.directory="$scratch/$1.$2" \
        --set model.checkpoint="$scratch/$1" >"$scratch/out" 2>"$scratch/err" || cat "$scratch/err"
}
for f in distilbert roberta; do
    study $f 1
    study $f 2
    summary "$scratch/$f.1" >"$scratch/sum1"
    summary "$scratch/$f.2" >"$scratch/sum2"
    check "$f: models and report on 2 ranks are those of 1" cmp "$scratch/sum1" "$scratch/sum2"
    for m in start a greedy greedy-adaptive-50; do
        check "$f: $m is of the family" grep -q "\"model_type\": \"$f\"" "$scratch/$f.1/models/$m/config.json"
    done
done
prints '*: DistilBERT encoder*32 wide*classes: negative, positive*' "$espalier" info "$scratch/distilbert.1/models/greedy"
prints '*: RoBERTa encoder*48 positions*classes: negative, positive*' "$espalier" info "$scratch/roberta.1/models/greedy"
check "RoBERTa's vocabulary goes with its models" cmp "$scratch/roberta/merges.txt" "$scratch/roberta.1/models/a/merges.txt"
prints "*classifier.out_proj.weight*roberta.embeddings.position_embeddings.weight *(50, 32)*" sh -c \
    "'$espalier' info '$scratch/roberta.1/models/a/model.safetensors' | sort"
cut -f1 "$scratch/roberta.1/data/test.tsv" >"$scratch/lines"
for f in distilbert roberta; do
    for n in 1 2; do ranks $n predict "$scratch/$f.1/models/greedy" "$scratch/lines" >"$scratch/p$n"; done
    check "$f: a prediction for every line" test "$(wc -l <"$scratch/p1")" = "$(wc -l <"$scratch/lines")"
    check "$f: predict on 2 ranks is predict on 1" cmp "$scratch/p1" "$scratch/p2"
done
# byte pairs put together are the text
printf "Don't  panic, the movie is great!\n" >"$scratch/text"
prints "Don't  panic, the movie is great!" sh -c \
    "'$espalier' tokenize --pieces --vocab '$scratch/roberta' '$scratch/text' | sed 's/ //g; s/Ġ/ /g'"
# what does not fit
refused 2 "*data.max_length is 60, but the encoder has 48 positions" "$espalier" finetune -q "$scratch/s.yaml" \
    --set study.directory="$scratch/long" --set model.checkpoint="$scratch/roberta" --set data.max_length=60 \
    --set pretrain.epochs=0 --set pretrain.max_length=40
cp -r "$scratch/roberta" "$scratch/odd"
sed -i '7s/ .*/ wombat/' "$scratch/odd/merges.txt"
refused 65 "odd/merges.txt:7: \"wombat\" is not a piece of the vocabulary" "$espalier" finetune -q "$scratch/s.yaml" \
    --set study.directory="$scratch/odd.1" --set model.checkpoint="$scratch/odd"
rm "$scratch/odd/vocab.json"
refused 74 "*odd: neither vocab.txt nor vocab.json with merges.txt is there" "$espalier" finetune -q "$scratch/s.yaml" \
    --set study.directory="$scratch/odd.2" --set model.checkpoint="$scratch/odd"
finish
