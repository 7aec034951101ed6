"""TextFooler as TextAttack's recipe carries it out, as a plain PyTorch loop: espalier's peer.

    textfooler.py MODEL SHARED 512|longest        serve attack_compare.py; for the protocol see attack_turns.c
    textfooler.py --check MODEL SHARED [ROWS]     against SHARED/oracle/textfooler-sst2-tiny.jsonl

Texts are asked about in batches of 32, as TextAttack asks (Attack's default), padded to 512 tokens,
as its model wrapper pads, or to the longest of the batch. Neighbours, tags and stop words are those
of SHARED; no sentence similarity, no query budget, as in the recorded attacks. What does not depend
on the model (tags, pieces of a word) is kept, so that the loop's time is the model's.
"""
import functools
import json
import re
import sys
import time
import unicodedata

import torch

import bert

JOINERS = "'-_*@"
BATCH, LONGEST = 32, 512


class Tokenizer:
    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            self.id = {line.rstrip("\n"): i for i, line in enumerate(f)}
        self.pieces = functools.lru_cache(None)(self.pieces)

    @staticmethod
    def basic(token):
        """Lower-cased, without accents, split at punctuation."""
        token = unicodedata.normalize("NFD", token.lower())
        out = [""]
        for c in token:
            kind = unicodedata.category(c)
            if kind == "Mn" or kind.startswith("C"):
                continue
            if kind.startswith("P") or (c < "\x80" and not c.isalnum()):
                out += [c, ""]
            else:
                out[-1] += c
        return [w for w in out if w]

    def pieces(self, token):
        ids = []
        for word in self.basic(token):
            at, found = 0, []
            while at < len(word):
                end = len(word)
                while end > at and ("##" if at else "") + word[at:end] not in self.id:
                    end -= 1
                if end == at:
                    found = [self.id["[UNK]"]]
                    break
                found.append(self.id[("##" if at else "") + word[at:end]])
                at = end
            ids += found
        return ids

    def __call__(self, text):
        ids = [i for token in text.split() for i in self.pieces(token)]
        return [self.id["[CLS]"]] + ids[:LONGEST - 2] + [self.id["[SEP]"]]


class Tagger:
    """NLTK's averaged perceptron from its weights, tags mapped to universal ones."""

    def __init__(self, folder):
        with open(f"{folder}/nltk-perceptron.json", encoding="utf-8") as f:
            d = json.load(f)
        self.weights, self.known, self.classes = d["weights"], d["tagdict"], sorted(d["classes"])
        with open(f"{folder}/en-ptb-to-universal.tsv", encoding="utf-8") as f:
            self.universal = dict(line.rstrip("\n").split("\t") for line in f if line.strip())
        self.tags = functools.lru_cache(None)(self.tags)

    @staticmethod
    def normal(word):
        if "-" in word and word[0] != "-":
            return "!HYPHEN"
        if word.isdigit() and len(word) == 4:
            return "!YEAR"
        return "!DIGITS" if word[:1].isdigit() else word.lower()

    def tags(self, words):
        context = ["-START-", "-START2-"] + [self.normal(w) for w in words] + ["-END-", "-END2-"]
        before, before2, out = "-START-", "-START2-", []
        for i, word in enumerate(words):
            tag = self.known.get(word) or self.guess(i + 2, word, context, before, before2)
            out.append(self.universal.get(tag, "X"))
            before2, before = before, tag
        return out

    def guess(self, i, word, c, before, before2):
        features = ["bias", f"i suffix {word[-3:]}", f"i pref1 {word[:1]}", f"i-1 tag {before}",
                    f"i-2 tag {before2}", f"i tag+i-2 tag {before} {before2}", f"i word {c[i]}",
                    f"i-1 tag+i word {before} {c[i]}", f"i-1 word {c[i - 1]}",
                    f"i-1 suffix {c[i - 1][-3:]}", f"i-2 word {c[i - 2]}", f"i+1 word {c[i + 1]}",
                    f"i+1 suffix {c[i + 1][-3:]}", f"i+2 word {c[i + 2]}"]
        score = dict.fromkeys(self.classes, 0.0)
        for f in features:
            for tag, w in self.weights.get(f, {}).items():
                score[tag] += w
        return max(self.classes, key=lambda k: (score[k], k))


def split(text):
    """Words and the gaps between them."""
    words, gaps, last = [], [], 0
    for run in re.finditer(r"[\w'\-*@]+", text):
        word = run.group().strip(JOINERS)
        if word:
            at = run.start() + run.group().index(word)
            gaps.append(text[last:at])
            words.append(word)
            last = at + len(word)
    return words, gaps + [text[last:]]


def join(words, gaps, skip=-1):
    out = []
    for i, gap in enumerate(gaps):
        if skip == i and i > 0 and gap.endswith(" "):
            gap = gap[:-1]
        if skip == 0 and i == 1 and gap.startswith(" "):
            gap = gap[1:]
        out.append(gap)
        if i < len(words) and i != skip:
            out.append(words[i])
    return "".join(out)


def in_case_of(original, word):
    if original.islower():
        return word.lower()
    if original.isupper() and len(original) > 1:
        return word.upper()
    capitals = sum(c.isupper() for c in original)
    if original[0].isupper() and capitals == 1 and any(c.islower() for c in original):
        return word[:1].upper() + word[1:].lower()
    return word


class Attack:
    def __init__(self, model, shared, padding):
        with open(f"{model}/config.json", encoding="utf-8") as f:
            c = json.load(f)
        self.model = bert.Bert(c["num_hidden_layers"], c["hidden_size"], c["num_attention_heads"],
                               c["intermediate_size"], positions=c["max_position_embeddings"])
        self.model.load(model).eval()
        self.padding = padding
        self.tokenizer = Tokenizer(f"{shared}/data/vocab/bert-base-uncased.txt")
        self.tagger = Tagger(f"{shared}/data/pos")
        with open(f"{shared}/data/synonyms/counterfitted_neighbors.json", encoding="utf-8") as f:
            self.near = json.load(f)
        with open(f"{shared}/oracle/textfooler-stopwords.txt", encoding="utf-8") as f:
            self.stop = set(f.read().split())
        self.queries, self.seconds = 0, 0.0

    def pad(self, rows):
        if self.padding == "longest":
            return bert.pad(rows)
        ids = torch.zeros(len(rows), LONGEST, dtype=torch.long)
        mask = torch.zeros(len(rows), LONGEST, dtype=torch.long)
        for i, r in enumerate(rows):
            ids[i, : len(r)] = torch.as_tensor(r)
            mask[i, : len(r)] = 1
        return ids, mask

    def ask(self, texts):
        """Probabilities (texts, classes)."""
        self.queries += len(texts)
        rows = [self.tokenizer(t) for t in texts]
        start = time.process_time()
        with torch.inference_mode():
            out = [torch.softmax(self.model(*self.pad(rows[i: i + BATCH])), -1)
                   for i in range(0, len(rows), BATCH)]
        self.seconds += time.process_time() - start
        return torch.cat(out)

    def candidates(self, words, i):
        first = max(0, i - 4)
        window = words[first: i + 4]

        def tag(word):
            context = tuple(window[: i - first] + [word] + window[i - first + 1:])
            return self.tagger.tags(context)[context.index(word)]

        tags, out = tag(words[i]), []
        for near in self.near.get(words[i].lower(), [])[:50]:
            word = in_case_of(words[i], near)
            if word != words[i]:
                other = tag(word)
                if other == tags or {other, tags} <= {"NOUN", "VERB"}:
                    out.append(word)
        return out

    def attack(self, text, label):
        """outcome, queries, last text"""
        self.queries = 0
        original, gaps = split(text)
        p = self.ask([text])[0]
        if int(p.argmax()) != label:
            return "skipped", self.queries, text
        now, current = float(p[label]), list(original)
        ranked = [i for i, w in enumerate(original) if w not in self.stop]
        if ranked:
            p = self.ask([join(original, gaps, i) for i in ranked])[:, label].tolist()
            ranked = [i for _, i in sorted(zip(p, ranked))]
        for i in ranked:
            words = self.candidates(original, i)
            if not words:
                continue
            p = self.ask([join(current[:i] + [w] + current[i + 1:], gaps) for w in words])
            best = int(p[:, label].argmin())
            if float(p[best, label]) < now:
                now, current[i] = float(p[best, label]), words[best]
                if int(p[best].argmax()) != label:
                    return "success", self.queries, join(current, gaps)
        return "failed", self.queries, join(current, gaps)


def read_rows(shared):
    with open(f"{shared}/data/sst2/dev.tsv", encoding="utf-8") as f:
        next(f)
        return [(text, int(label)) for text, label in (line.rstrip("\n").split("\t") for line in f)]


def serve(model, shared, padding):
    torch.set_num_threads(1)
    attack, rows = Attack(model, shared, padding), read_rows(shared)
    print(f"ready PyTorch {torch.__version__}, padded to {padding}", flush=True)
    for line in sys.stdin:
        first, n = map(int, line.split())
        attack.seconds, start = 0.0, time.process_time()
        found = [attack.attack(*rows[i]) for i in range(first, first + n)]
        seconds = time.process_time() - start
        for outcome, queries, text in found:
            print(f"{outcome}\t{queries}\t{text}")
        print(f"{seconds:.9f}\t{attack.seconds:.9f}", flush=True)


def check(model, shared, rows=150):
    torch.set_num_threads(1)
    attack = Attack(model, shared, "longest")
    equal, close, bad = 0, 0, 0
    with open(f"{shared}/oracle/textfooler-sst2-tiny.jsonl", encoding="utf-8") as f:
        for line in list(f)[: int(rows)]:
            want = json.loads(line)
            got = attack.attack(want["text"], want["label"])
            skipped = got[0] == "skipped"  # such a line records no search
            same = got[0] == want["result"] and (skipped or got[1:] == (want["queries"], want["final"]))
            rounding = min(want.get("rank_gap", 1), want.get("margin", 1)) < 1e-5
            equal, close, bad = equal + same, close + (not same and rounding), bad + (not same and not rounding)
            if not same:
                print(f"row {want['row']}{' (close)' if rounding else ''}: expected {want['result']}, "
                      f"{want['queries']} queries, {want['final']!r}; got {got}")
    print(f"{equal + close + bad} recorded, {equal} equal, {close} differ by rounding, {bad} differ")
    return 1 if bad else 0


if __name__ == "__main__":
    if sys.argv[1] == "--check":
        sys.exit(check(*sys.argv[2:]))
    serve(*sys.argv[1:])
