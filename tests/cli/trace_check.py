"""The trace of a study: what /attacks, /queries, /changes and /texts say of one another."""
import hashlib
import sys

import h5py
import numpy
import pandas

path = sys.argv[1]
attacks, changes, texts = (pandas.read_hdf(path, f"/{t}") for t in ("attacks", "changes", "texts"))
with h5py.File(path, "r") as f:
    queries = f["queries"][...]
assert queries.dtype.itemsize == 32

whole = {}
for row in texts.itertuples():
    value = row.value.decode() if isinstance(row.value, bytes) else row.value
    assert row.piece == 0 or row.text in whole
    whole[row.text] = whole.get(row.text, "") + value
for key, text in whole.items():
    assert key == int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True)

searched = 0
for i, a in enumerate(attacks.itertuples()):
    outcome = a.outcome if isinstance(a.outcome, str) else a.outcome.decode()
    q = queries[a.first_query: a.first_query + a.recorded]
    c = changes[a.first_change: a.first_change + a.changed]
    assert (c.attack == i).all() and len(c) == a.changed
    assert a.recorded == a.queries and q[0]["text"] == a.text and q[0]["prob"] == a.prob
    assert q[0]["step"] == 0 and (numpy.diff(q["step"]) >= 0).all()
    assert (q["predicted"][0] == a.label) == (outcome != "skipped")
    taken = q[q["taken"] == 1]
    assert len(taken) == a.changed and taken["word"].tolist() == c.word.tolist()
    last = taken[-1] if len(taken) else q[0]
    assert last["text"] == a.final and last["prob"] == a.final_prob
    assert (last["predicted"] != a.label) == (outcome in ("success", "skipped"))
    # of a tested similarity the lowest taken one is the example's
    tested = taken["similarity"][~numpy.isnan(taken["similarity"])]
    assert (len(tested) == 0 and numpy.isnan(a.similarity)) or tested.min() == a.similarity
    for change in c.itertuples():
        before, after = (x if isinstance(x, str) else x.decode() for x in (change.before, change.after))
        assert before in whole[a.text] and after in whole[a.final] and before != after
    searched += outcome != "skipped"
assert searched > 100 and len(changes) > 100
