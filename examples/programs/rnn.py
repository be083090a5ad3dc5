"""A recurrent net keeps its state in an attribute; backprop is truncated by cutting the graph every few steps."""

import argparse

import numpy as np

import chainette
import chainette.functions as F
import chainette.links as L
from chainette import Chain, optimizers

TEXT = "a chain is made of links, and a net of chains; pull at its end, and every link learns where it went. "
LETTERS = sorted(set(TEXT))


class SimpleRNN(Chain):
    """Reads one letter at a time and says which one it expects next."""

    def __init__(self, letters, units):
        super().__init__(
            x_to_h=L.EmbedID(letters, units), h_to_h=L.Linear(units, units), h_to_y=L.Linear(units, letters)
        )
        self.h = None

    def __call__(self, x):
        h = self.x_to_h(x)
        if self.h is not None:
            h = h + self.h_to_h(self.h)
        self.h = F.tanh(h)
        return self.h_to_y(self.h)


def sample(rnn, length):
    """What the net writes when it is fed its own guesses."""
    letter, text = 0, ""
    rnn.h = None
    with chainette.no_backprop_mode():
        for _ in range(length):
            letter = int(rnn(np.array([letter])).array.argmax())
            text += LETTERS[letter]
    return text


def main(steps):
    chainette.seed(0)
    rnn = SimpleRNN(len(LETTERS), 60)
    model = L.Classifier(rnn)
    optimizer = optimizers.Adam(alpha=0.005)
    optimizer.setup(model)
    code = np.array([LETTERS.index(letter) for letter in TEXT])

    accum_loss, total, count = 0, 0.0, 0
    for step in range(1, steps + 1):
        x, t = code[[(step - 1) % len(code)]], code[[step % len(code)]]
        loss = model(x, t)
        accum_loss += loss
        total, count = total + loss.item(), count + 1
        if step % 3 == 0:
            model.zerograds()
            accum_loss.backward()
            accum_loss.unchain_backward()  # the state goes on, the graph behind it is freed
            optimizer.update()
            accum_loss = 0
        if step % 600 == 0:
            print(f"step {step:5}  perplexity {np.exp(total / count):6.2f}")
            total, count = 0.0, 0
    print(f"it writes: {sample(rnn, 60)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=6000)
    main(parser.parse_args().steps)
