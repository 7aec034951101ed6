"""BERT as Hugging Face's BertForSequenceClassification computes it, from torch.nn alone.

Same operations in the same order as transformers 4.x with eager attention: three separate
projections, erf gelu, LayerNorm after the sum, a mask of 0 and the lowest float added to the scores,
parameter names of its checkpoints. Where a batch has no padding the mask is left out, which a user
could do too.
"""
import json
import math
import struct

import numpy
import torch
from torch import nn
from torch.nn import functional

SIZES = {  # layers, width, heads, feed-forward: as in bench/workload.c
    "tiny": (2, 128, 2, 512),
    "mini": (4, 256, 4, 1024),
    "small": (4, 512, 8, 2048),
    "base": (12, 768, 12, 3072),
}


class Embeddings(nn.Module):
    def __init__(self, vocabulary, positions, types, width, dropout):
        super().__init__()
        self.word_embeddings = nn.Embedding(vocabulary, width)
        self.position_embeddings = nn.Embedding(positions, width)
        self.token_type_embeddings = nn.Embedding(types, width)
        self.LayerNorm = nn.LayerNorm(width, eps=1e-12)
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("places", torch.arange(positions).unsqueeze(0), persistent=False)

    def forward(self, ids):
        x = self.word_embeddings(ids) + self.token_type_embeddings(torch.zeros_like(ids))
        x = x + self.position_embeddings(self.places[:, : ids.shape[1]])
        return self.dropout(self.LayerNorm(x))


class SelfAttention(nn.Module):
    def __init__(self, width, heads, dropout):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def split(self, x):
        return x.view(x.shape[0], x.shape[1], self.heads, -1).permute(0, 2, 1, 3)

    def forward(self, x, mask):
        q, k, v = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        scores = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(q.shape[-1])
        if mask is not None:
            scores = scores + mask
        context = torch.matmul(self.dropout(functional.softmax(scores, dim=-1)), v)
        return context.permute(0, 2, 1, 3).contiguous().view(x.shape)


class SumNorm(nn.Module):
    def __init__(self, inner, width, dropout):
        super().__init__()
        self.dense = nn.Linear(inner, width)
        self.LayerNorm = nn.LayerNorm(width, eps=1e-12)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, residual):
        return self.LayerNorm(self.dropout(self.dense(x)) + residual)


class Layer(nn.Module):
    def __init__(self, width, heads, inner, dropout):
        super().__init__()
        self.attention = nn.ModuleDict(
            {"self": SelfAttention(width, heads, dropout), "output": SumNorm(width, width, dropout)}
        )
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, inner)})
        self.output = SumNorm(inner, width, dropout)

    def forward(self, x, mask):
        x = self.attention["output"](self.attention["self"](x, mask), x)
        return self.output(functional.gelu(self.intermediate["dense"](x)), x)


class Bert(nn.Module):
    def __init__(self, layers, width, heads, inner, vocabulary=30522, positions=512, types=2,
                 classes=2, dropout=0.1):
        super().__init__()
        self.bert = nn.ModuleDict({
            "embeddings": Embeddings(vocabulary, positions, types, width, dropout),
            "encoder": nn.ModuleDict(
                {"layer": nn.ModuleList(Layer(width, heads, inner, dropout) for _ in range(layers))}
            ),
            "pooler": nn.ModuleDict({"dense": nn.Linear(width, width)}),
        })
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(width, classes)
        for p in self.parameters():
            if p.dim() == 2:
                nn.init.normal_(p, 0.0, 0.02)

    def forward(self, ids, mask=None):
        """Logits of padded ids (B, S); mask (B, S) is 1 for real tokens, None: no padding."""
        if mask is not None:
            lowest = torch.finfo(torch.float32).min
            mask = (1.0 - mask[:, None, None, :].to(torch.float32)) * lowest
        x = self.bert["embeddings"](ids)
        for layer in self.bert["encoder"]["layer"]:
            x = layer(x, mask)
        pooled = torch.tanh(self.bert["pooler"]["dense"](x[:, 0]))
        return self.classifier(self.dropout(pooled))

    def load(self, folder):
        """Parameters of folder/model.safetensors (float32); other heads are passed over."""
        with open(folder + "/model.safetensors", "rb") as f:
            header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
            data = f.read()
        mine = self.state_dict()
        for name, target in mine.items():
            begin, end = header[name]["data_offsets"]
            values = numpy.frombuffer(data[begin:end], dtype=numpy.float32)
            target.copy_(torch.from_numpy(values.copy()).view(target.shape))
        return self


def groups(model, decay):
    """AdamW's two groups: no decay on biases and LayerNorm."""
    names = [n for n, _ in model.named_parameters()]
    free = {n for n in names if n.endswith("bias") or "LayerNorm" in n}
    p = dict(model.named_parameters())
    return [{"params": [p[n] for n in names if n not in free], "weight_decay": decay},
            {"params": [p[n] for n in names if n in free], "weight_decay": 0.0}]


def read_lengths(path):
    with open(path) as f:
        return [[int(n) for n in line.split()] for line in f]


def pad(sequences):
    """ids (B, longest) and mask, or None where nothing is padded."""
    longest = max(len(s) for s in sequences)
    ids = torch.zeros(len(sequences), longest, dtype=torch.long)
    mask = torch.zeros(len(sequences), longest, dtype=torch.long)
    for i, s in enumerate(sequences):
        ids[i, : len(s)] = torch.as_tensor(s, dtype=torch.long)
        mask[i, : len(s)] = 1
    return ids, (None if bool(mask.all()) else mask)
