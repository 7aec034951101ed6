// onnxruntime's side of the comparison, from node (package onnxruntime-node, found by NODE_PATH):
// onnx_turns.js MODEL LENGTHS, forward only; for the protocol see turns.c.
"use strict";
const fs = require("fs");
const readline = require("readline");
const ort = require("onnxruntime-node");

function pad(lengths) {
    const longest = Math.max(...lengths);
    const shape = [lengths.length, longest];
    const ids = new BigInt64Array(lengths.length * longest);
    const mask = new BigInt64Array(lengths.length * longest);
    lengths.forEach((n, i) => {
        for (let t = 0; t < n; t++) {
            ids[i * longest + t] = BigInt(Math.floor(Math.random() * 30522));
            mask[i * longest + t] = 1n;
        }
    });
    return { ids: new ort.Tensor("int64", ids, shape), mask: new ort.Tensor("int64", mask, shape) };
}

// of all threads: the session works on another one than this script
function seconds() {
    const used = process.cpuUsage();
    return 1e-6 * (used.user + used.system);
}

async function main(model, path) {
    const options = { intraOpNumThreads: 1, interOpNumThreads: 1, graphOptimizationLevel: "all" };
    const session = await ort.InferenceSession.create(model, options);
    const lines = fs.readFileSync(path, "utf8").trim().split("\n");
    const batches = lines.map((line) => pad(line.trim().split(" ").map(Number)));
    console.log(`ready onnxruntime ${require("onnxruntime-common").env.versions.common}`);
    for await (const line of readline.createInterface({ input: process.stdin })) {
        const start = seconds();
        await session.run(batches[Number(line.split(" ")[1])]);
        console.log((seconds() - start).toFixed(9));
    }
}

main(...process.argv.slice(2));
