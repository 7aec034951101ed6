"""The run that losses.c left in a folder, once more in PyTorch, and the two curves side by side.

    losses.py FOLDER [--steps 50] [--within 1e-4]

Same start, batches in the same order, AdamW, linear warm-up and decay, clip, no dropout; padded to
the longest of the batch with a mask. In float32, as a user would, and in float64, to see how far
float32 itself is off. Fails when a loss of the first steps differs by more than --within.
"""
import argparse
import json

import torch
from torch.nn import functional

import bert


def read(folder):
    with open(folder + "/options.txt") as f:
        options = {k: float(v) for k, v in (line.split() for line in f)}
    with open(folder + "/ours.txt") as f:
        ours = [float(line) for line in f]
    batches = []
    with open(folder + "/batches.txt") as f:
        for line in f:
            rows = [[int(i) for i in s.split()] for s in line.split(";")]
            batches.append((*bert.pad([r[1:] for r in rows]), torch.tensor([r[0] for r in rows])))
    return options, ours, batches


def curve(folder, dtype, options, batches, steps):
    with open(folder + "/start/config.json") as f:
        c = json.load(f)
    model = bert.Bert(c["num_hidden_layers"], c["hidden_size"], c["num_attention_heads"],
                      c["intermediate_size"], c["vocab_size"], c["max_position_embeddings"],
                      c["type_vocab_size"], dropout=0.0)
    with torch.no_grad():
        model.load(folder + "/start")
    model.to(dtype).train()
    optimiser = torch.optim.AdamW(bert.groups(model, options["weight_decay"]),
                                  lr=options["learning_rate"], betas=(0.9, 0.999), eps=1e-8)
    total, warm = int(options["steps"]), int(options["warmup"] * options["steps"])
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda s: s / max(1, warm) if s < warm else max(0.0, (total - s) / max(1, total - warm)))
    losses = []
    for ids, mask, labels in batches[:steps]:
        loss = functional.cross_entropy(model(ids, mask), labels)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if options["clip"] > 0:
            torch.nn.utils.clip_grad_norm_(model.parameters(), options["clip"])
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
    return losses


def main():
    p = argparse.ArgumentParser()
    p.add_argument("folder")
    p.add_argument("--steps", type=int, default=50)
    p.add_argument("--within", type=float, default=1e-4)
    a = p.parse_args()
    torch.set_num_threads(1)
    options, ours, batches = read(a.folder)
    single = curve(a.folder, torch.float32, options, batches, len(batches))
    double = curve(a.folder, torch.float64, options, batches, a.steps)
    print("step  espalier     PyTorch      difference   from PyTorch in float64: espalier, PyTorch")
    worst = [0.0, 0.0, 0.0]
    for i, (x, y, z) in enumerate(zip(ours, single, double)):
        apart = [abs(x - y) / abs(y), abs(x - z) / abs(z), abs(y - z) / abs(z)]
        worst = [max(p) for p in zip(worst, apart)]
        print(f"{i + 1:4}  {x:.9f}  {y:.9f}  {apart[0]:.2e}  {apart[1]:32.2e}  {apart[2]:.2e}")
    print(f"largest relative difference of {len(double)} steps: {worst[0]:.2e} between the two; "
          f"from float64 {worst[1]:.2e} espalier, {worst[2]:.2e} PyTorch")
    whole = max(abs(x - y) / abs(y) for x, y in zip(ours, single))
    print(f"of all {len(ours)} steps: {whole:.2e} between the two")
    if len(double) < a.steps or not worst[0] <= a.within:
        raise SystemExit(f"losses.py: {worst[0]:.2e} over {len(double)} steps, allowed "
                         f"{a.within:g} over {a.steps}")


main()
