"""onnxruntime's side of the comparison, from Python: onnx_turns.py MODEL LENGTHS, forward only; for
the protocol see turns.c."""
import sys
import time

import numpy
import onnxruntime


def pad(lengths):
    ids = numpy.zeros((len(lengths), max(lengths)), dtype=numpy.int64)
    mask = numpy.zeros_like(ids)
    random = numpy.random.default_rng(1)
    for i, n in enumerate(lengths):
        ids[i, :n] = random.integers(0, 30522, n)
        mask[i, :n] = 1
    return {"ids": ids, "mask": mask}


def main(model, path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    run = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    with open(path) as f:
        batches = [pad([int(n) for n in line.split()]) for line in f]
    print(f"ready onnxruntime {onnxruntime.__version__}", flush=True)
    for line in sys.stdin:
        start = time.process_time()
        run.run(None, batches[int(line.split()[1])])
        print(f"{time.process_time() - start:.9f}", flush=True)


main(*sys.argv[1:])
