"""PyTorch's side of the comparison; for the protocol see turns.c."""
import sys
import time

import torch
from torch.nn import functional

import bert


def main(size, path):
    torch.set_num_threads(1)
    torch.manual_seed(1)
    batches = [bert.pad([torch.randint(0, 30522, (n,)) for n in line])
               for line in bert.read_lengths(path)]
    labels = torch.arange(len(batches[0][0])) % 2
    model = bert.Bert(*bert.SIZES[size])
    optimiser = torch.optim.AdamW(bert.groups(model, 0.01), lr=1e-5, foreach=True)

    def forward(ids, mask):
        model.eval()
        with torch.inference_mode():
            model(ids, mask)

    def train(ids, mask):
        model.train()
        optimiser.zero_grad(set_to_none=True)
        functional.cross_entropy(model(ids, mask), labels).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()

    print(f"ready PyTorch {torch.__version__}", flush=True)
    for line in sys.stdin:
        what, batch = line.split()
        start = time.process_time()
        {"forward": forward, "train": train}[what](*batches[int(batch)])
        print(f"{time.process_time() - start:.9f}", flush=True)


main(*sys.argv[1:])
