"""A component that is not ours: counts words, or sums counts. Standard library only."""

import argparse
import json
import pathlib
import sys

parser = argparse.ArgumentParser()
parser.add_argument("--text", type=pathlib.Path)
parser.add_argument("--counts", type=pathlib.Path)
parser.add_argument("--stop-word", default="")
parser.add_argument("--factor", type=int, default=1)
parser.add_argument("--out", type=pathlib.Path, required=True)
given = parser.parse_args()
if given.text is not None:
    counts: dict[str, int] = {}
    for word in given.text.read_text(encoding="utf-8").split():
        if word != given.stop_word:
            counts[word] = counts.get(word, 0) + 1
    (given.out / "counts.json").write_text(json.dumps(counts), encoding="utf-8")
else:
    counts = json.loads((given.counts / "counts.json").read_text(encoding="utf-8"))
    given.out.write_text(str(sum(counts.values()) * given.factor), encoding="utf-8")
sys.stdout.write("done\n")
