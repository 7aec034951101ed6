"""espalier and its peers on the same batches, in turns.

    compare.py TURNS SIZE... [--pairs N] [--seconds S]

TURNS: espalier's program (turns.c). Every side is a process of its own with one thread; only one
works at a time. A turn is one batch, a pair one turn of each on the same batch, the first of a pair
being one side and then the other. Rates are useful tokens (padding does not count) a second of CPU
time; ratios are the median over the pairs, with the quartiles.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import bert

KINDS = {"64": "fixed", "SST-2": "ragged"}  # of batches: as turns.c calls them
HERE = os.path.dirname(os.path.abspath(__file__))
RAGGED = {"tiny": 3.5, "mini": 3.0, "small": 2.7, "base": 2.5}  # the README's targets, training


class Side:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, cwd=HERE)
        hello = self.process.stdout.readline().split(None, 1)
        if not hello or hello[0] != "ready":
            raise SystemExit(f"compare.py: {' '.join(command)} did not start")
        self.name = hello[1].strip()

    def turn(self, what, batch):
        self.process.stdin.write(f"{what} {batch}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def pairs(ours, peer, what, tokens, options):
    """CPU seconds (ours, peer, tokens) of each pair."""
    largest = tokens.index(max(tokens))
    for side in (ours, peer):  # warm up
        side.turn(what, largest)
    out, end = [], time.monotonic() + options.seconds
    while len(out) < options.pairs or time.monotonic() < end:
        batch = len(out) % len(tokens)
        if len(out) % 2:
            b, a = peer.turn(what, batch), ours.turn(what, batch)
        else:
            a, b = ours.turn(what, batch), peer.turn(what, batch)
        out.append((a, b, tokens[batch]))
    return out


def show(size, what, kind, name, measured):
    ratios = sorted(b / a for a, b, _ in measured)
    rates = [statistics.median(t / x[i] for *x, t in measured) for i in (0, 1)]
    low, high = ratios[len(ratios) // 4], ratios[-1 - len(ratios) // 4]
    target = f"{RAGGED[size]:.1f}" if kind == "SST-2" and what == "train" else ""
    print(f"{size:6} {what:8} {kind:6} {rates[0]:9.0f} {rates[1]:9.0f}  "
          f"{statistics.median(ratios):5.2f} [{low:5.2f}, {high:5.2f}]  {target:>6} "
          f"{len(ratios):6}  {name}", flush=True)


def onnxruntime():
    """Command of an interpreter that has onnxruntime and its script, None: there is none."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if subprocess.run([sys.executable, "-c", "import onnxruntime"], **quiet).returncode == 0:
        return [sys.executable, f"{HERE}/onnx_turns.py"]
    node = shutil.which("node")
    if node and subprocess.run([node, "-e", 'require("onnxruntime-node")'], **quiet).returncode == 0:
        return [node, f"{HERE}/onnx_turns.js"]
    print("onnxruntime is installed neither for this Python nor for node: left out")
    return None


def compare(options, size, kind, folder, peers):
    """All works of one size and one kind of batch, against each (command, works)."""
    path = f"{folder}/{kind}"
    subprocess.run([options.turns, KINDS[kind], path], check=True)
    tokens = [sum(line) for line in bert.read_lengths(path)]
    ours = Side([options.turns, size, path])
    for command, works in peers:
        peer = Side(command + [path])
        for what in works:
            show(size, what, kind, peer.name, pairs(ours, peer, what, tokens, options))
        peer.close()
    ours.close()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("turns")
    p.add_argument("sizes", nargs="*", default=list(bert.SIZES))
    p.add_argument("--pairs", type=int, default=5, help="at least, for every figure")
    p.add_argument("--seconds", type=float, default=4, help="at least, for every figure")
    options = p.parse_args()
    onnx = onnxruntime()
    print("size   what     batch       ours  its peer  ratio [quartiles]      target  pairs  peer"
          "      (useful tokens/s)")
    with tempfile.TemporaryDirectory() as folder:
        for size in options.sizes:
            peers = [([sys.executable, f"{HERE}/torch_turns.py", size], ("forward", "train"))]
            if onnx:
                model = f"{folder}/model.onnx"
                subprocess.run([sys.executable, f"{HERE}/onnx_export.py", size, model], check=True)
                peers.append((onnx + [model], ("forward",)))
            for kind in KINDS:
                compare(options, size, kind, folder, peers)


main()
