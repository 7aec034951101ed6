"""SparseGPT beside espalier's: algorithm 1 of arXiv 2301.00774 in torch, float32, one thread. From H to
pruned weights: Cholesky factor, inverse, upper factor of the inverse, then blocks of 128 columns, column
by column, the rest of the layer after every block. Both take turns; CPU time, medians.

    python3 sparsegpt.py PROGRAM [in out turns]     PROGRAM: bench/peers/sparsegpt, as built
"""
import statistics
import subprocess
import sys
import time

import torch

BLOCK = 128


def prune(weight, hessian, sparsity):
    """The pruned weights; masks are chosen over all rows of a block of columns."""
    w, columns = weight.clone(), weight.shape[1]
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(hessian))
    upper = torch.linalg.cholesky(inverse, upper=True)
    for first in range(0, columns, BLOCK):
        last = min(first + BLOCK, columns)
        w1, u1 = w[:, first:last].clone(), upper[first:last, first:last]
        q1, errors = torch.zeros_like(w1), torch.zeros_like(w1)
        score = w1**2 / torch.diag(u1).reshape(1, -1) ** 2
        count = int(score.numel() * sparsity)
        mask = score <= torch.sort(score.flatten())[0][count - 1] if count else score < 0
        for i in range(last - first):
            column, d = w1[:, i], u1[i, i]
            kept = column.clone()
            kept[mask[:, i]] = 0
            q1[:, i] = kept
            error = (column - kept) / d
            w1[:, i:] -= error.unsqueeze(1).matmul(u1[i, i:].unsqueeze(0))
            errors[:, i] = error
        w[:, first:last] = q1
        w[:, last:] -= errors.matmul(upper[first:last, last:])
    return w


def problem(columns, rows):
    x = torch.randn(2 * columns, columns)
    for i in range(1, columns):
        x[:, i] += 0.7 * x[:, i - 1]
    hessian = x.T @ x / x.shape[0]
    return torch.randn(rows, columns), hessian + 0.01 * torch.eye(columns)


def main():
    program, arguments = sys.argv[1], sys.argv[2:]
    columns, rows, turns = (int(x) for x in (arguments + ["3072", "768", "5"][len(arguments):]))
    torch.set_num_threads(1)
    torch.manual_seed(1)
    weight, hessian = problem(columns, rows)
    theirs, ours = [], []
    with torch.no_grad():
        for _ in range(turns):
            start = time.process_time()
            pruned = prune(weight, hessian, 0.5)
            theirs.append(time.process_time() - start)
            line = subprocess.run([program, str(columns), str(rows)], check=True, capture_output=True)
            ours.append(float(line.stdout))
    removed = 100 * (pruned == 0).float().mean().item()
    torch_seconds, seconds = statistics.median(theirs), statistics.median(ours)
    ratio = statistics.median(a / b for a, b in zip(ours, theirs))
    print(f"SparseGPT {columns:4d} in, {rows} out, {removed:.0f} %: torch {torch.__version__} {torch_seconds:6.3f} s, "
          f"espalier {seconds:6.3f} s: {ratio:.3f} of it, turn by turn ({turns} turns)")


if __name__ == "__main__":
    main()
