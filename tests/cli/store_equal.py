"""Two stores hold the same tables, byte for byte, but for times and provenance."""
import sys

import h5py

a, b = (h5py.File(p, "r") for p in sys.argv[1:3])
skip = {"timings", "provenance"}
bad = 0
for name in sorted(set(a) | set(b)):
    if name in skip:
        continue
    if name not in a or name not in b:
        print(f"/{name} is only in one of them")
        bad = 1
    elif a[name].dtype != b[name].dtype or a[name][...].tobytes() != b[name][...].tobytes():
        rows = [i for i in range(min(len(a[name]), len(b[name]))) if a[name][i] != b[name][i]]
        if name == "options":  # the study's folder is not part of the study
            rows = [i for i in rows if a[name][i]["name"] != b"directory"]
            if len(a[name]) == len(b[name]) and not rows:
                continue
        print(f"/{name} differs in rows {rows[:5]} ({len(a[name])} and {len(b[name])} rows)")
        bad = 1
sys.exit(bad)
