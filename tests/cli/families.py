"""A BERT checkpoint with masked-language head as a DistilBERT and as a RoBERTa one, for tests: the arrays
renamed as the published checkpoints name them. RoBERTa gets a byte-level vocabulary of the words of
vocab.txt, and word embeddings to fit.   families.py BERT DISTILBERT ROBERTA"""
import json
import os
import shutil
import struct
import sys

bert, distilbert, roberta = sys.argv[1:4]


def read(path):
    raw = open(path, "rb").read()
    n = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + n])
    data = raw[8 + n :]
    return {k: (v["shape"], data[slice(*v["data_offsets"])]) for k, v in header.items() if k != "__metadata__"}


def write(path, arrays):
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name, (shape, data) in arrays.items():
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(data for _, data in arrays.values()))


def renamed(arrays, pairs):
    out = {}
    for name, array in arrays.items():
        for old, new in pairs:
            name = name.replace(old, new)
        out[name] = array
    return out


source = read(os.path.join(bert, "model.safetensors"))
source = {k: v for k, v in source.items() if not k.startswith(("classifier", "bert.pooler"))}
config = json.load(open(os.path.join(bert, "config.json")))
V, H, P = config["vocab_size"], config["hidden_size"], config["max_position_embeddings"]

os.makedirs(distilbert)
shutil.copy(os.path.join(bert, "vocab.txt"), distilbert)
arrays = renamed(source, [
    ("bert.encoder", "bert.transformer"), ("attention.self.query", "attention.q_lin"),
    ("attention.self.key", "attention.k_lin"), ("attention.self.value", "attention.v_lin"),
    ("attention.output.dense", "attention.out_lin"), ("attention.output.LayerNorm", "sa_layer_norm"),
    ("intermediate.dense", "ffn.lin1"), ("output.dense", "ffn.lin2"), ("output.LayerNorm", "output_layer_norm"),
    ("cls.predictions.transform.dense", "vocab_transform"), ("cls.predictions.transform.LayerNorm", "vocab_layer_norm"),
    ("cls.predictions.bias", "vocab_projector.bias"), ("bert.", "distilbert.")])
del arrays["distilbert.embeddings.token_type_embeddings.weight"]
write(os.path.join(distilbert, "model.safetensors"), arrays)
json.dump({"model_type": "distilbert", "activation": "gelu", "vocab_size": V, "dim": H,
           "n_layers": config["num_hidden_layers"], "n_heads": config["num_attention_heads"],
           "hidden_dim": config["intermediate_size"], "max_position_embeddings": P},
          open(os.path.join(distilbert, "config.json"), "w"))

os.makedirs(roberta)
plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
others = [b for b in range(256) if b not in plain]
letter = {b: chr(b) for b in plain} | {b: chr(256 + i) for i, b in enumerate(others)}
pieces = {p: i for i, p in enumerate(["<s>", "<pad>", "</s>", "<unk>"] + [letter[b] for b in range(256)])}
merges = []
for word in open(os.path.join(bert, "vocab.txt")).read().split():
    if word.startswith(("[", "#")) or not word.isascii():
        continue
    for text in (word, " " + word):  # each word is merged from its left
        made = letter[ord(text[0])]
        for c in text[1:]:
            pair, made = (made, letter[ord(c)]), made + letter[ord(c)]
            if made not in pieces:
                pieces[made] = len(pieces)
                merges.append(pair)
pieces["<mask>"] = len(pieces)
json.dump(pieces, open(os.path.join(roberta, "vocab.json"), "w"))
with open(os.path.join(roberta, "merges.txt"), "w", encoding="utf-8") as f:
    f.write("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
arrays = renamed(source, [
    ("cls.predictions.transform.dense", "lm_head.dense"), ("cls.predictions.transform.LayerNorm", "lm_head.layer_norm"),
    ("cls.predictions.bias", "lm_head.bias"), ("bert.", "roberta.")])
row = 4 * H
words = arrays["roberta.embeddings.word_embeddings.weight"][1]
rows = [words[(i * 7 % V) * row : (i * 7 % V + 1) * row] for i in range(len(pieces))]
arrays["roberta.embeddings.word_embeddings.weight"] = ([len(pieces), H], b"".join(rows))
arrays["lm_head.bias"] = ([len(pieces)], bytes(4 * len(pieces)))
arrays["lm_head.decoder.weight"] = arrays["roberta.embeddings.word_embeddings.weight"]
positions = arrays["roberta.embeddings.position_embeddings.weight"][1]
arrays["roberta.embeddings.position_embeddings.weight"] = ([P + 2, H], bytes(2 * row) + positions)
arrays["roberta.embeddings.token_type_embeddings.weight"] = ([1, H], bytes(row))
write(os.path.join(roberta, "model.safetensors"), arrays)
json.dump({"model_type": "roberta", "hidden_act": "gelu", "vocab_size": len(pieces), "hidden_size": H,
           "num_hidden_layers": config["num_hidden_layers"], "num_attention_heads": config["num_attention_heads"],
           "intermediate_size": config["intermediate_size"], "max_position_embeddings": P + 2,
           "type_vocab_size": 1, "layer_norm_eps": 1e-5, "pad_token_id": 1},
          open(os.path.join(roberta, "config.json"), "w"))
