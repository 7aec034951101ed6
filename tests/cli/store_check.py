"""The sample store of tests/mpi/test_store.c, read by h5py, pandas and PyTables."""
import math
import sys

import h5py
import pandas
import tables

path = sys.argv[1]
names = ["attacks", "barriers", "changes", "comparisons", "curves", "datasets", "drift", "layers", "learned", "lines", "maps", "models", "options", "pretraining", "provenance", "queries", "recipes", "seeds", "soup", "texts", "timings", "transfer", "variants"]

with h5py.File(path, "r") as f:
    assert sorted(f) == names, sorted(f)
    attacks = f["attacks"]
    assert attacks.shape == (1003,) and f["variants"].shape == (0,)
    assert attacks.dtype["queries"] == "<i8" and attacks.dtype["prob"] == "<f8"
    assert attacks.attrs["CLASS"] == b"TABLE"
    rows = attacks[...]
    assert rows["row"].tolist() == list(range(1003))
    assert rows["queries"].tolist() == [1 << (i % 62) for i in range(1003)]
    assert rows["prob"].tolist() == [1.0 / (1.0 + i) for i in range(1003)]
    assert [math.isnan(s) for s in rows["similarity"]] == [i % 3 == 0 for i in range(1003)]
    assert rows["model"][0].decode() == "prüned" and rows["model"][1] == b"dense"
    queries = f["queries"][...]
    assert queries.dtype.itemsize == 32 and queries.dtype["step"] == "<i2" and len(queries) == 5000
    assert queries["text"].tolist() == [-i if i % 2 else 2**63 - 1 - i for i in range(5000)]
    assert queries["word"].tolist() == [100000 + i if i % 5 else -1 for i in range(5000)]
    assert queries["predicted"].tolist() == [i % 128 for i in range(5000)]
    # the column list, its units and its help stand in the attributes
    for name in names:
        table, columns = f[name], f[name].dtype.names
        for i, column in enumerate(columns):
            shown, text = (table.attrs[f"FIELD_{i}_{what}"].decode() for what in ("NAME", "HELP"))
            assert shown == column and len(text) > 4, (name, column)
        assert table.attrs["TITLE"]
        # no byte that depends on the run: texts are padded with NUL
        for column in columns:
            if table.dtype[column].kind == "S":
                width = table.dtype[column].itemsize
                for row in table[column].astype(f"V{width}"):
                    text, _, rest = bytes(row).partition(b"\0")
                    assert not rest.strip(b"\0"), (name, column)
    assert attacks.attrs["FIELD_5_UNIT"] == b"queries" and "FIELD_0_UNIT" not in attacks.attrs

frame = pandas.read_hdf(path, "/models")
assert frame.n.tolist() == [100, 101, 102, 103, 104, 105, 106]
assert frame.correct.sum() == sum(90 - i for i in range(7))
assert frame.title.tolist() == ["Greedy average"] * 7
assert len(pandas.read_hdf(path, "/variants")) == 0
frame = pandas.read_hdf(path, "/queries")
assert frame[frame.taken == 1].index.tolist() == list(range(0, 5000, 11))
assert frame.step.tolist() == [i if i < 100 else 32767 for i in range(5000)]

with tables.open_file(path) as f:
    attacks = f.root.attacks
    assert isinstance(attacks, tables.Table) and attacks.title == "every attacked example of every model by every recipe"
    found = attacks.read_where('(queries > 2**40) & (model == b"dense")')
    assert found["row"].tolist() == [i for i in range(1003) if i % 62 > 40 and i % 2]
    assert f.root.pretraining[0]["heldout_last"] == -1.5e300
    assert f.root.variants.nrows == 0
    assert [t.name for t in f.walk_nodes("/", "Table")] == names
