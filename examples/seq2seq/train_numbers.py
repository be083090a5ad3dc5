"""Trains a network to read numbers aloud: digits go in, English words come out. Sequence to sequence, with attention.

Examples:
    python examples/seq2seq/train_numbers.py
    python examples/seq2seq/train_numbers.py --numbers 100000 --units 200 --epochs 5
"""

import argparse
import time
from pathlib import Path

import number_words
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

import chainette
import chainette.functions as F
import chainette.links as L
from chainette import Chain, optimizer_hooks, optimizers, serializers

DIGITS = 10
EDGE = len(number_words.TOKENS)  # the token before the first word, and behind the last one
LONGEST = 20  # tokens; a network that does not come to an end is stopped there


class Translator(Chain):
    """Reads a sequence from both sides, and writes another one, looking back at what it read.

    Sources and targets are lists of arrays of any lengths. Only the attention pads them, by itself.
    """

    def __init__(self, units):
        super().__init__(
            embed_source=L.EmbedID(DIGITS, units),
            embed_target=L.EmbedID(EDGE + 1, units),
            encoder=L.NStepBiLSTM(1, units, units, dropout=0.0),
            decoder=L.NStepLSTM(1, units, 2 * units, dropout=0.0),
            attended=L.Linear(4 * units, units),
            output=L.Linear(units, EDGE + 1),
        )

    def encode(self, sources):
        """What the decoder starts from, and what it may look at: its state, the vectors of each source, the mask."""
        h, c, vectors = self.encoder(None, None, embed(self.embed_source, sources))
        state = [F.concat(F.separate(each, axis=0), axis=1)[None] for each in (h, c)]  # both directions, side by side
        lengths = self.xp.array([len(source) for source in sources])
        vectors = F.pad_sequence(vectors)
        mask = self.xp.arange(vectors.shape[1]) < lengths[:, None, None]
        return state, vectors, mask

    def decode(self, state, vectors, mask, targets):
        """The new state, and scores of shape (batch, longest target, tokens): what follows each target token."""
        h, c, outputs = self.decoder(*state, embed(self.embed_target, targets))
        outputs = F.pad_sequence(outputs)
        seen = F.scaled_dot_product_attention(outputs, vectors, vectors, mask=mask)
        both = F.tanh(self.attended(F.concat([outputs, seen], axis=2), n_batch_axes=2))
        return (h, c), self.output(both, n_batch_axes=2)

    def forward(self, sources, targets):
        """The loss of telling each token of the targets from those before it."""
        edge = self.xp.array([EDGE], "i")
        _, scores = self.decode(*self.encode(sources), [self.xp.concatenate([edge, target]) for target in targets])
        t = F.pad_sequence([self.xp.concatenate([target, edge]) for target in targets], padding=-1)
        return F.softmax_cross_entropy(scores.reshape(-1, EDGE + 1), t.reshape(-1), ignore_label=-1)

    def translate(self, sources):
        """A list of tokens for each source: each time the one with the highest score, until the edge comes."""
        with chainette.test_mode(), chainette.no_backprop_mode():
            state, vectors, mask = self.encode(sources)
            tokens = self.xp.full((len(sources), 1), EDGE, "i")
            while tokens.shape[1] <= LONGEST and not (tokens[:, 1:] == EDGE).any(axis=1).all():
                state, scores = self.decode(state, vectors, mask, list(tokens[:, -1:]))
                tokens = self.xp.concatenate([tokens, scores.array.argmax(axis=2).astype("i")], axis=1)
        rows = chainette.to_device(tokens[:, 1:], "cpu").tolist()
        return [row[: row.index(EDGE)] if EDGE in row else row for row in rows]


def embed(link, sequences):
    """The vectors of the elements of sequences, all looked up at once."""
    ends = np.cumsum([len(sequence) for sequence in sequences])
    return F.split_axis(link(link.xp.concatenate(sequences)), ends[:-1], axis=0)


def train(model, train_numbers, test_numbers, args, console):
    """Train the model; after each epoch print its loss, and the shares of numbers that it reads right."""
    send = model.device.send
    sources = [send(number_words.to_digits(n)) for n in train_numbers]
    targets = [send(number_words.to_tokens(number_words.in_words(n))) for n in train_numbers]
    optimizer = optimizers.Adam().setup(model)
    optimizer.add_hook(optimizer_hooks.GradientClipping(5))
    rng = np.random.default_rng(args.seed)
    steps = args.epochs * -(-len(sources) // args.batch_size)
    step = 0
    console.print("epoch  train loss  train exact  held-out exact    time", style="bold")
    start = time.perf_counter()
    with progress_bar(console) as progress:
        bar = progress.add_task("learning", total=steps)
        for epoch in range(1, args.epochs + 1):
            progress.update(bar, description=f"epoch {epoch} of {args.epochs}")
            order = rng.permutation(len(sources))
            total = 0.0
            for i in range(0, len(order), args.batch_size):
                batch = order[i : i + args.batch_size]
                optimizer.alpha = args.learning_rate * (1 - step / steps)
                loss = model([sources[j] for j in batch], [targets[j] for j in batch])
                model.cleargrads()
                loss.backward()
                optimizer.update()
                step += 1
                total += loss.item() * len(batch)
                progress.advance(bar)
            learned, held_out = evaluate(model, train_numbers[: len(test_numbers)]), evaluate(model, test_numbers)
            progress.console.print(
                f"{epoch:5}{total / len(order):12.4f}{learned:13.2%}{held_out:16.2%}{time.perf_counter() - start:7.1f}s"
            )


def read(model, numbers, batch_size=500):
    """What the model makes of numbers: the text of each."""
    texts = []
    for i in range(0, len(numbers), batch_size):
        sources = [model.device.send(number_words.to_digits(n)) for n in numbers[i : i + batch_size]]
        texts += [number_words.to_text(tokens) for tokens in model.translate(sources)]
    return texts


def evaluate(model, numbers):
    """The share of numbers that the model reads exactly right, to the last comma."""
    pairs = zip(read(model, numbers), numbers, strict=True)
    return np.mean([text == number_words.in_words(n) for text, n in pairs])


def progress_bar(console):
    """A line that shows how far the training is; nothing where the output is no terminal."""
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    return Progress(*columns, console=console, transient=True, disable=not console.is_interactive)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--numbers", type=int, default=20_000, help="how many to draw; a tenth is held out (default: 20000)"
    )
    parser.add_argument("--epochs", type=int, default=4, help="passes through the training set (default: 4)")
    parser.add_argument("--batch-size", type=int, default=100, help="numbers in one step (default: 100)")
    parser.add_argument("--units", type=int, default=100, help="size of vectors and LSTMs (default: 100)")
    parser.add_argument(
        "--learning-rate", type=float, default=0.003, help="of Adam; it falls to 0 by the end (default: 0.003)"
    )
    parser.add_argument("--seed", type=int, default=0, help="the same one gives the same numbers (default: 0)")
    parser.add_argument("--device", default="cpu", help="where to compute (default: cpu)")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the model (default: out)")
    args = parser.parse_args()
    for name, least in (("numbers", 60), ("epochs", 1), ("batch_size", 1), ("units", 1)):
        if getattr(args, name) < least:
            parser.error(f"--{name.replace('_', '-')} must be at least {least}")
    if args.learning_rate <= 0:
        parser.error("--learning-rate must be above 0")
    return args


def main():
    args = parse_arguments()
    console = Console(highlight=False, soft_wrap=True, markup=False)
    args.out.mkdir(parents=True, exist_ok=True)
    train_numbers, test_numbers = number_words.draw(args.numbers, args.seed)
    console.print(f"{len(train_numbers):,} numbers to learn from, {len(test_numbers):,} held out for testing")

    chainette.seed(args.seed)
    model = Translator(args.units).to_device(args.device)
    console.print(f"{model}\n")
    train(model, train_numbers, test_numbers, args, console)

    texts = read(model, test_numbers)
    right = [text == number_words.in_words(n) for text, n in zip(texts, test_numbers, strict=True)]
    console.print(f"\nThe network reads {sum(right):,} of {len(right):,} held-out numbers right, for example:")
    lengths = [len(str(n)) for n in test_numbers]
    shown = {lengths.index(length) for length in set(lengths)} | set(np.flatnonzero(~np.array(right))[:3].tolist())
    for i in sorted(shown, key=lambda i: test_numbers[i]):
        console.print(f"{test_numbers[i]:8}  {texts[i]}{'' if right[i] else '  (wrong)'}")

    path = args.out / "model.npz"
    serializers.save_npz(path, model)
    fresh = Translator(args.units).to_device(args.device)
    serializers.load_npz(path, fresh)
    if read(fresh, test_numbers) != texts:
        raise SystemExit(f"train_numbers.py: the model loaded from {path} predicts something else than the one saved.")
    console.print(f"\nSaved to {path}; loaded into a fresh network, it predicts exactly the same.")


if __name__ == "__main__":
    main()
