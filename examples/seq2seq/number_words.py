"""The data: whole numbers below a million, their digits, and how they are read in English."""

import re

import numpy as np

SMALL = """
    zero one two three four five six seven eight nine ten
    eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen
""".split()  # noqa: SIM905
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
TOKENS = [*SMALL, *TENS, "hundred", "thousand", "and", "-", ","]  # what a number is written with
LIMIT = 1_000_000
HELD_OUT = 10  # one number in so many is held out


def in_words(n):
    """A number from 0 to 999,999 in words.

    >>> in_words(74205)
    'seventy-four thousand, two hundred and five'
    """
    if not 0 <= n < LIMIT:
        raise ValueError(f"in_words: n is {n} (expected 0 to {LIMIT - 1:,}).")
    if n < 20:
        return SMALL[n]
    if n < 100:
        tens, ones = divmod(n, 10)
        return TENS[tens - 2] + (f"-{SMALL[ones]}" if ones else "")
    size, name = (100, "hundred") if n < 1000 else (1000, "thousand")
    count, rest = divmod(n, size)
    joint = " and " if rest < 100 else ", "
    return f"{in_words(count)} {name}" + (joint + in_words(rest) if rest else "")


def to_tokens(text):
    """Words, hyphens and commas as numbers, int32.

    >>> to_tokens("ninety-one")
    array([27, 31,  1], dtype=int32)
    """
    return np.array([TOKENS.index(token) for token in re.findall(r"\w+|[-,]", text)], np.int32)


def to_text(tokens):
    """The text of tokens, whatever they are; the inverse of ``to_tokens``.

    >>> to_text([27, 31, 1])
    'ninety-one'
    """
    return " ".join(TOKENS[token] for token in tokens).replace(" - ", "-").replace(" ,", ",")


def to_digits(n):
    """The digits of a number, int32.

    >>> to_digits(205)
    array([2, 0, 5], dtype=int32)
    """
    return np.array([int(digit) for digit in str(n)], np.int32)


def draw(count, seed):
    """``count`` different numbers in two arrays: nine tenths to learn from, and those held out.

    Each length has the same share, but for lengths of which there are not so many: all numbers of one and two digits
    are among 100,000.
    """
    rng = np.random.default_rng(seed)
    numbers = []
    for length in range(1, 7):
        least = 0 if length == 1 else 10 ** (length - 1)
        share = min((count - len(numbers)) // (7 - length), 10**length - least)
        numbers.extend(least + rng.choice(10**length - least, share, replace=False))
    numbers = rng.permutation(numbers)
    cut = len(numbers) // HELD_OUT
    return numbers[cut:], numbers[:cut]
