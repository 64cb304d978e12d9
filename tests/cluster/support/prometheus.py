# SPDX-License-Identifier: MIT
"""A strict reader of Prometheus's text format, version 0.0.4."""

import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
KINDS = ("counter", "gauge", "histogram", "summary", "untyped")


class Metrics:
    def __init__(self, text):
        self.kinds = {}
        self.samples = {}
        helped, family, closed = set(), None, set()
        assert text.endswith("\n"), "the last line has no end"
        for line in text.split("\n")[:-1]:
            if line.startswith("# HELP "):
                name = line.split(" ", 3)[2]
                assert name not in helped, f"two HELP lines: {name}"
                helped.add(name)
            elif line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                assert kind in KINDS and name not in self.kinds, line
                self.kinds[name] = kind
            elif line and not line.startswith("#"):
                name, labels, value = self._sample(line)
                of = re.sub(r"_(bucket|sum|count)$", "", name)
                of = of if self.kinds.get(of) in ("histogram", "summary") else name
                assert of in self.kinds and of in helped, f"no HELP or TYPE: {line}"
                assert of not in closed, f"not all samples of {of} are together"
                if family not in (None, of):
                    closed.add(family)
                family = of
                assert (name, labels) not in self.samples, f"twice: {line}"
                self.samples[name, labels] = value

    @staticmethod
    def _sample(line):
        found = SAMPLE.match(line)
        assert found, f"not a sample: {line!r}"
        name, inside, value = found.groups()
        labels = []
        while inside:
            label = LABEL.match(inside)
            assert label, f"bad labels: {line!r}"
            labels.append(label.groups())
            inside = inside[label.end() :]
        return name, tuple(sorted(labels)), float(value)

    def __getitem__(self, name):
        """The sum over all labels."""
        values = [v for (n, _), v in self.samples.items() if n == name]
        assert values, f"no metric {name}"
        return sum(values)

    def by(self, name, label):
        """The values of a metric under each value of one of its labels."""
        return {dict(ls)[label]: v for (n, ls), v in self.samples.items() if n == name and ls}
