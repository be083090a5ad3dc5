"""Trains a recurrent language model, which reads a text and says what comes next; saves it, and lets it write.

Examples:
    python examples/language_model/train_rnnlm.py
    python examples/language_model/train_rnnlm.py --level words
    python examples/language_model/train_rnnlm.py --text a/book.txt --units 512 --epochs 20
"""

import argparse
import time
from pathlib import Path

import corpus
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

import chainette
import chainette.functions as F
import chainette.links as L
from chainette import Chain, ChainList, optimizer_hooks, optimizers, serializers

OPTIMIZERS = {  # the class, the name of its learning rate, and what that begins with
    "adam": (optimizers.Adam, "alpha", 0.004),
    "sgd": (optimizers.SGD, "lr", 10.0),
}
TEST_STREAMS = 8  # so many pieces of the held-out part are read side by side


class StepLSTM(ChainList):
    """Layers of L.LSTM, called anew for each symbol. Each link keeps its state itself."""

    def __init__(self, layers, units, dropout):
        super().__init__(*[L.LSTM(units, units) for _ in range(layers)])
        self.dropout = dropout

    def reset_state(self):
        for layer in self:
            layer.reset_state()

    def forward(self, x):
        outputs = []
        for h in F.separate(x, axis=1):
            for i, layer in enumerate(self):
                h = layer(F.dropout(h, self.dropout) if i else h)
            outputs.append(h)
        return F.stack(outputs, axis=1)


class NStepLSTM(Chain):
    """L.NStepLSTM, called once for many symbols. It is told the state, and hands it back."""

    def __init__(self, layers, units, dropout):
        super().__init__(lstm=L.NStepLSTM(layers, units, units, dropout))
        self.reset_state()

    def reset_state(self):
        self.h = self.c = None

    def forward(self, x):
        self.h, self.c, outputs = self.lstm(self.h, self.c, F.separate(x, axis=0))
        return F.stack(outputs, axis=0)


class RNNLM(Chain):
    """Symbols as vectors, an LSTM that goes on where it stopped, and a score for each symbol that may come next."""

    def __init__(self, vocabulary_size, units, lstm, dropout):
        super().__init__(embed=L.EmbedID(vocabulary_size, units), lstm=lstm, output=L.Linear(units, vocabulary_size))
        self.dropout = dropout

    def reset_state(self):
        self.lstm.reset_state()

    def forward(self, x):
        """Scores of shape (batch * length, vocabulary) for symbols of shape (batch, length)."""
        h = self.lstm(F.dropout(self.embed(x), self.dropout))
        return self.output(F.dropout(h, self.dropout).reshape(x.size, -1))


def make_model(vocabulary_size, args):
    """A model with fresh parameters, as the options say."""
    lstm = {"step": StepLSTM, "nstep": NStepLSTM}[args.links](args.layers, args.units, args.dropout)
    return RNNLM(vocabulary_size, args.units, lstm, args.dropout).to_device(args.device)


def windows(streams, length, device):
    """Pieces of the streams, one behind the other, each with what comes next: ``x`` and ``t``."""
    for i in range(0, streams.shape[1] - 1, length):
        x, t = streams[:, i:-1][:, :length], streams[:, i + 1 :][:, :length]
        yield device.send(x), device.send(t.ravel())


def train(model, train_set, test_set, args, console):
    """Train the model; return the perplexities of both parts after each epoch, one row an epoch."""
    make, rate_name, _ = OPTIMIZERS[args.optimizer]
    optimizer = make().setup(model)
    optimizer.add_hook(optimizer_hooks.GradientClipping(args.clip))
    steps = args.epochs * -(-(train_set.shape[1] - 1) // args.length)
    step, history = 0, []
    console.print("epoch  train perplexity  held-out perplexity    time", style="bold")
    start = time.perf_counter()
    with progress_bar(console) as progress:
        bar = progress.add_task("learning", total=steps)
        for epoch in range(1, args.epochs + 1):
            progress.update(bar, description=f"epoch {epoch} of {args.epochs}")
            model.reset_state()
            total = 0.0
            for x, t in windows(train_set, args.length, model.device):
                setattr(optimizer, rate_name, args.learning_rate * (1 - step / steps))
                loss = F.softmax_cross_entropy(model(x), t)
                model.cleargrads()
                loss.backward()
                loss.unchain_backward()  # the state goes on; how it came about is forgotten
                optimizer.update()
                step += 1
                total += loss.item() * len(t)
                progress.advance(bar)
            train_perplexity = np.exp(total / (train_set.size - len(train_set)))
            test_perplexity = evaluate(model, test_set, args.length)
            history.append((train_perplexity, test_perplexity))
            progress.console.print(
                f"{epoch:5}{train_perplexity:18.3f}{test_perplexity:21.3f}{time.perf_counter() - start:7.1f}s"
            )
    return np.array(history)


def evaluate(model, streams, length):
    """The model's perplexity: how many symbols it hesitates between, on average."""
    total = 0.0
    model.reset_state()
    with chainette.test_mode(), chainette.no_backprop_mode():
        for x, t in windows(streams, length, model.device):
            total += F.softmax_cross_entropy(model(x), t).item() * len(t)
    return np.exp(total / (streams.size - len(streams)))


def write(model, start, length, temperature, rng):
    """The numbers of ``length`` symbols that the model writes behind ``start``, drawn as it finds them probable."""
    written = []
    model.reset_state()
    with chainette.test_mode(), chainette.no_backprop_mode():
        scores = model(model.device.send(start[None]))
        for _ in range(length):
            p = chainette.to_device(F.softmax(scores[-1:] / temperature).array[0], "cpu").astype(float)
            p[0] = 0  # nobody can write the unknown
            written.append(int(rng.choice(len(p), p=p / p.sum())))
            scores = model(model.device.send(np.array([written[-1:]], np.int32)))
    return written


def progress_bar(console):
    """A line that shows how far the training is; nothing where the output is no terminal."""
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    return Progress(*columns, console=console, transient=True, disable=not console.is_interactive)


def same_scores(model, other, streams, length):
    """Whether both models give exactly the same scores."""
    model.reset_state()
    other.reset_state()
    with chainette.test_mode(), chainette.no_backprop_mode():
        pairs = ((model(x).array, other(x).array) for x, _ in windows(streams, length, model.device))
        return all(bool((a == b).all()) for a, b in pairs)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    of_text = parser.add_argument_group("the text")
    of_text.add_argument(
        "--text", type=Path, metavar="FILE", help="a text in UTF-8 (default: the help of Python itself)"
    )
    of_text.add_argument("--limit", type=int, metavar="N", help="read no more than its first N characters")
    of_text.add_argument(
        "--level", choices=["characters", "words"], default="characters", help="what to tell next (default: characters)"
    )
    of_net = parser.add_argument_group("the network")
    of_net.add_argument(
        "--links",
        choices=["step", "nstep"],
        default="nstep",
        help="L.LSTM, called for each symbol, or L.NStepLSTM, called once for many (default: nstep)",
    )
    of_net.add_argument("--units", type=int, default=256, help="size of vectors and layers (default: 256)")
    of_net.add_argument("--layers", type=int, default=1, help="LSTM layers (default: 1)")
    of_net.add_argument(
        "--dropout", type=float, help="share of values dropped around each layer (default: 0.2, with words 0.5)"
    )
    of_training = parser.add_argument_group("training")
    of_training.add_argument("--epochs", type=int, default=8, help="passes through the training part (default: 8)")
    of_training.add_argument("--batch-size", type=int, default=32, help="streams read side by side (default: 32)")
    of_training.add_argument(
        "--length", type=int, default=50, help="symbols that a gradient goes back through (default: 50)"
    )
    of_training.add_argument(
        "--optimizer", choices=list(OPTIMIZERS), default="adam", help="which rule takes the steps (default: adam)"
    )
    of_training.add_argument(
        "--learning-rate", type=float, help="it falls to 0 by the end (default: 0.004 for adam, 10 for sgd)"
    )
    of_training.add_argument("--clip", type=float, default=1.0, help="largest norm of the gradients (default: 1)")
    parser.add_argument(
        "--sample", type=int, default=200, metavar="N", help="symbols to write at the end (default: 200)"
    )
    parser.add_argument(
        "--temperature",
        type=float,
        default=0.7,
        help="below 1, what is likely is written even more often (default: 0.7)",
    )
    parser.add_argument("--seed", type=int, default=0, help="the same one gives the same numbers (default: 0)")
    parser.add_argument("--device", default="cpu", help="where to compute (default: cpu)")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the model (default: out)")
    args = parser.parse_args()
    if args.dropout is None:
        args.dropout = 0.2 if args.level == "characters" else 0.5
    if args.learning_rate is None:
        args.learning_rate = OPTIMIZERS[args.optimizer][2]
    for name in ("limit", "units", "layers", "epochs", "batch_size", "length"):
        if getattr(args, name) is not None and getattr(args, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1")
    for name in ("learning_rate", "clip", "temperature"):
        if getattr(args, name) <= 0:
            parser.error(f"--{name.replace('_', '-')} must be above 0")
    if not 0 <= args.dropout < 1:
        parser.error("--dropout must be from 0 to below 1")
    if args.sample < 0:
        parser.error("--sample must be at least 0")
    return args


def main():
    args = parse_arguments()
    console = Console(highlight=False, soft_wrap=True, markup=False)
    args.out.mkdir(parents=True, exist_ok=True)
    try:
        text = corpus.python_topics() if args.text is None else corpus.read(args.text)
        train_part, test_part, vocabulary = corpus.split(text[: args.limit], args.level)
        train_set = corpus.streams(train_part, args.batch_size)
        test_set = corpus.streams(test_part, TEST_STREAMS)
    except (OSError, ValueError) as error:
        raise SystemExit(f"train_rnnlm.py: {error}") from None
    console.print(f"{len(train_part):,} {args.level} to learn from, {len(test_part):,} held out")

    chainette.seed(args.seed)
    model = make_model(len(vocabulary), args)
    console.print(f"{model}\n")
    history = train(model, train_set, test_set, args, console)
    console.print(f"\nThe network reads the held-out part with a perplexity of {history[-1, 1]:.3f}.")

    path = args.out / "model.npz"
    serializers.save_npz(path, model)
    fresh = make_model(len(vocabulary), args)
    serializers.load_npz(path, fresh)
    if not same_scores(model, fresh, test_set, args.length):
        raise SystemExit(f"train_rnnlm.py: the model loaded from {path} predicts something else than the one saved.")
    console.print(f"Saved to {path}; loaded into a fresh network, it predicts exactly the same.")

    if args.sample:
        rng = np.random.default_rng(args.seed)
        written = write(fresh, test_part[:100], args.sample, args.temperature, rng)
        console.print(f"It has read the first 100 {args.level} of the held-out part, and goes on:\n")
        console.print(vocabulary.decode(written, args.level))


if __name__ == "__main__":
    main()
