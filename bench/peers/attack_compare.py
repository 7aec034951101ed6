"""TextFooler on SST-2's validation sentences: espalier beside PyTorch loops, in turns.

    attack_compare.py ATTACK_TURNS MODEL SHARED [--rows N] [--chunk N] [--padding 512|longest]

Every side is a process of its own with one thread; only one works at a time, and which comes first
goes round. All of them attack the same sentences and must find the same: outcome, number of
queries and last text of every row are compared. Times are CPU seconds, of the whole attack and of
what the loop spends in the model alone.
"""
import argparse
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TARGETS = {"512": 10.0, "longest": 3.0}


class Side:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, cwd=HERE)
        hello = self.process.stdout.readline().split(None, 1)
        if not hello or hello[0] != "ready":
            raise SystemExit(f"attack_compare.py: {' '.join(command)} did not start")
        self.name, self.found, self.seconds, self.model = hello[1].strip(), [], [], []

    def turn(self, first, n):
        self.process.stdin.write(f"{first} {n}\n")
        self.process.stdin.flush()
        self.found += [self.process.stdout.readline().rstrip("\n").split("\t", 2) for _ in range(n)]
        seconds = [float(x) for x in self.process.stdout.readline().split("\t")]
        self.seconds.append(seconds[0])
        self.model += seconds[1:]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def differing(ours, peer):
    """Rows whose search differs; of what was wrong before only the outcome counts."""
    return [i for i, (a, b) in enumerate(zip(ours.found, peer.found))
            if a[0] != b[0] or (a[0] != "skipped" and a != b)]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("turns")
    p.add_argument("model")
    p.add_argument("shared")
    p.add_argument("--rows", type=int, default=200)
    p.add_argument("--chunk", type=int, default=10, help="rows a turn")
    p.add_argument("--padding", choices=TARGETS, action="append", help="of the loops; default: both")
    o = p.parse_args()
    loop = [sys.executable, f"{HERE}/textfooler.py", o.model, o.shared]
    ours = Side([o.turns, o.model, o.shared])
    peers = {padding: Side(loop + [padding]) for padding in o.padding or TARGETS}
    sides = [ours, *peers.values()]
    for side in sides:  # warm up: what is kept of tags and pieces stays
        side.turn(0, 2)
        side.found, side.seconds, side.model = [], [], []
    for k, first in enumerate(range(0, o.rows, o.chunk)):
        for i in range(len(sides)):
            sides[(i + k) % len(sides)].turn(first, min(o.chunk, o.rows - first))
    queries = sum(int(q) for _, q, _ in ours.found)
    print(f"TextFooler on {o.rows} SST-2 sentences, {os.path.basename(os.path.normpath(o.model))}: "
          f"{queries} queries, {sum(f[0] == 'success' for f in ours.found)} successes")
    print(f"  {'side':44} {'s CPU':>8} {'queries/s':>10} {'times':>6} [quartiles]     target  "
          f"{'model alone':>11}  rows that differ")
    print(f"  {ours.name:44} {sum(ours.seconds):8.2f} {queries / sum(ours.seconds):10.0f}")
    bad = 0
    for padding, side in peers.items():
        ratios = sorted(b / a for a, b in zip(ours.seconds, side.seconds))
        quarter = len(ratios) // 4
        rows = differing(ours, side)
        bad += len(rows)
        print(f"  {side.name:44} {sum(side.seconds):8.2f} {queries / sum(side.seconds):10.0f} "
              f"{statistics.median(ratios):6.2f} [{ratios[quarter]:5.2f}, {ratios[-1 - quarter]:5.2f}]  "
              f"{TARGETS[padding]:6.1f}  {sum(side.model) / sum(ours.seconds):11.2f}  {rows or 'none'}")
    for side in sides:
        side.close()
    # probabilities differ in the last bits of float32, so that a tie may fall either way
    return 1 if bad > 2 * max(1, o.rows // 50) else 0


sys.exit(main())
