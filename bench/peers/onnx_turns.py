"""onnxruntime's side of the comparison, forward only; for the protocol see turns.c."""
import sys
import tempfile
import time
import warnings

import onnxruntime
import torch

import bert


def session(model, folder):
    path = folder + "/model.onnx"
    ids = torch.ones(2, 8, dtype=torch.long)
    axes = {"ids": {0: "B", 1: "S"}, "mask": {0: "B", 1: "S"}, "logits": {0: "B"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model.eval(), (ids, ids), path, input_names=["ids", "mask"],
                          output_names=["logits"], dynamic_axes=axes, opset_version=16)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def main(size, path):
    torch.manual_seed(1)
    batches = [bert.pad([torch.randint(0, 30522, (n,)) for n in line])
               for line in bert.read_lengths(path)]
    with tempfile.TemporaryDirectory() as folder:
        run = session(bert.Bert(*bert.SIZES[size]), folder)
    print(f"ready onnxruntime {onnxruntime.__version__}", flush=True)
    for line in sys.stdin:
        ids, mask = batches[int(line.split()[1])]
        mask = torch.ones_like(ids) if mask is None else mask
        inputs = {"ids": ids.numpy(), "mask": mask.numpy()}
        start = time.process_time()
        run.run(None, inputs)
        print(f"{time.process_time() - start:.9f}", flush=True)


main(*sys.argv[1:])
