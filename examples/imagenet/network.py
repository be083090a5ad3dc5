"""What the six networks have in common.

A network is called with images, (batch, 3, height, width), and gives scores, (batch, classes). GoogLeNet and the one
with batch normalization have two auxiliary classifiers, for training only: then they give three arrays of scores, the
main ones first; in test mode they give the main ones, as the others do.

Each says for what size of images it was published, ``insize``, and the least that it takes, ``smallest``. Its last
layer starts from small weights, so that at first all classes are about as likely.
"""

import chainette.functions as F
from chainette.errors import ShapeError

AUXILIARY_WEIGHT = 0.3


def require_size(network, x):
    """Check that images are large enough for a network: its last windows must find something to look at."""
    if min(x.shape[2:]) < network.smallest:
        raise ShapeError(
            f"{type(network).__name__}: images of {x.shape[2]} x {x.shape[3]} are too small (expected at least "
            f"{network.smallest} x {network.smallest}). Scale them up."
        )


def main_scores(outputs):
    """The scores that count, whether or not those of auxiliary classifiers come with them."""
    return outputs[0] if isinstance(outputs, tuple) else outputs


def loss(outputs, t):
    """Softmax cross entropy of what a network gave; that of an auxiliary classifier counts 0.3 times."""
    if not isinstance(outputs, tuple):
        return F.softmax_cross_entropy(outputs, t)
    main, *auxiliary = (F.softmax_cross_entropy(scores, t) for scores in outputs)
    return main + AUXILIARY_WEIGHT * sum(auxiliary)
