"""Write an encoder with random weights as an ONNX file: onnx_export.py SIZE FILE."""
import sys
import warnings

import torch

import bert


def main(size, path):
    ids = torch.ones(2, 8, dtype=torch.long)
    axes = {"ids": {0: "B", 1: "S"}, "mask": {0: "B", 1: "S"}, "logits": {0: "B"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(bert.Bert(*bert.SIZES[size]).eval(), (ids, ids), path,
                          input_names=["ids", "mask"], output_names=["logits"], dynamic_axes=axes,
                          opset_version=16)


main(*sys.argv[1:])
