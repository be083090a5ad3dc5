"""The text: the topics of Python's own help, or a file of yours, as numbers."""

import re
from collections import Counter
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np

UNKNOWN = "<unk>"
HELD_OUT = 10  # the last one in so many symbols is held out


def python_topics():
    """What ``help("TOPIC")`` of the running Python prints, topic after topic.

    Several topics repeat paragraphs of each other, a fifth of all text. Each paragraph is read once: so what is held
    out is new to the network.
    """
    paragraphs = [paragraph for topic in sorted(topics) for paragraph in topics[topic].strip().split("\n\n")]
    return "\n\n".join(dict.fromkeys(paragraphs))


def read(path):
    """The text of a file in UTF-8."""
    return Path(path).read_text(encoding="utf-8")


def symbols(text, level):
    """The characters of the text; or its words and punctuation marks, one by one."""
    return list(text) if level == "characters" else re.findall(r"\w+|[^\w\s]", text)


class Vocabulary:
    """Numbers for symbols, the frequent ones first. Number 0 stands for whatever occurred less than ``least`` times."""

    def __init__(self, learned, least):
        frequent = [symbol for symbol, count in Counter(learned).most_common() if count >= least]
        self.symbols = [UNKNOWN, *frequent]
        self.numbers = {symbol: number for number, symbol in enumerate(self.symbols)}

    def __len__(self):
        return len(self.symbols)

    def encode(self, symbols):
        """The numbers of symbols, int32."""
        return np.array([self.numbers.get(symbol, 0) for symbol in symbols], np.int32)

    def decode(self, numbers, level):
        """The text of numbers."""
        return ("" if level == "characters" else " ").join(self.symbols[number] for number in numbers)


def split(text, level):
    """The numbers of the first nine tenths of the text, those of its last tenth, and what they stand for."""
    parts = symbols(text, level)
    cut = len(parts) - len(parts) // HELD_OUT
    vocabulary = Vocabulary(parts[:cut], least=1 if level == "characters" else 2)
    return vocabulary.encode(parts[:cut]), vocabulary.encode(parts[cut:]), vocabulary


def streams(numbers, batch_size):
    """The text cut into ``batch_size`` streams of one length, which are read side by side: ``(batch_size, length)``."""
    length = len(numbers) // batch_size
    if length < 2:
        raise ValueError(f"{len(numbers)} symbols are too few for {batch_size} streams (expected 2 for each).")
    return numbers[: batch_size * length].reshape(batch_size, length)
