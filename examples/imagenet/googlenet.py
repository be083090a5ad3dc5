"""GoogLeNet, the network of Inception modules that won the classification of ImageNet 2014."""

from network import require_size

import chainette
import chainette.functions as F
import chainette.links as L
from chainette import Chain
from chainette.initializers import HeNormal, Normal


class Auxiliary(Chain):
    """A classifier that looks at a layer on the way, so that gradients reach the layers before it sooner."""

    def __init__(self, in_channels, classes):
        super().__init__()
        W = HeNormal()
        with self.init_scope():
            self.conv = L.Convolution2D(in_channels, 128, 1, initialW=W)
            self.fc1 = L.Linear(None, 1024, initialW=W)
            self.fc2 = L.Linear(1024, classes, initialW=Normal(0.01))

    def forward(self, x):
        h = F.average_pooling_2d(x, 5, stride=3)
        h = F.relu(self.conv(h))
        h = F.dropout(F.relu(self.fc1(h)), 0.7)
        return self.fc2(h)


class GoogLeNet(Chain):
    """Three convolutions, nine Inception modules and a linear layer; behind modules 4a and 4d an auxiliary classifier.

    In training it gives three scores: (main, auxiliary, auxiliary).

    Source: Szegedy et al., "Going Deeper with Convolutions", CVPR 2015.
    """

    insize = 224
    smallest = 79  # the auxiliary classifiers need 5 x 5 pixels, each from 16 x 16

    def __init__(self, classes=1000):
        super().__init__()
        W = HeNormal()
        with self.init_scope():
            self.conv1 = L.Convolution2D(3, 64, 7, stride=2, pad=3, initialW=W)
            self.conv2_reduce = L.Convolution2D(64, 64, 1, initialW=W)
            self.conv2 = L.Convolution2D(64, 192, 3, pad=1, initialW=W)
            self.inc3a = L.Inception(192, 64, 96, 128, 16, 32, 32, conv_init=W)
            self.inc3b = L.Inception(256, 128, 128, 192, 32, 96, 64, conv_init=W)
            self.inc4a = L.Inception(480, 192, 96, 208, 16, 48, 64, conv_init=W)
            self.inc4b = L.Inception(512, 160, 112, 224, 24, 64, 64, conv_init=W)
            self.inc4c = L.Inception(512, 128, 128, 256, 24, 64, 64, conv_init=W)
            self.inc4d = L.Inception(512, 112, 144, 288, 32, 64, 64, conv_init=W)
            self.inc4e = L.Inception(528, 256, 160, 320, 32, 128, 128, conv_init=W)
            self.inc5a = L.Inception(832, 256, 160, 320, 32, 128, 128, conv_init=W)
            self.inc5b = L.Inception(832, 384, 192, 384, 48, 128, 128, conv_init=W)
            self.fc = L.Linear(1024, classes, initialW=Normal(0.01))
            self.auxiliary1 = Auxiliary(512, classes)
            self.auxiliary2 = Auxiliary(528, classes)

    def forward(self, x):
        require_size(self, x)
        h = F.max_pooling_2d(F.relu(self.conv1(x)), 3, stride=2)
        h = F.local_response_normalization(h)
        h = F.relu(self.conv2_reduce(h))
        h = F.relu(self.conv2(h))
        h = F.local_response_normalization(h)
        h = F.max_pooling_2d(h, 3, stride=2)
        h = self.inc3a(h)
        h = self.inc3b(h)
        h = F.max_pooling_2d(h, 3, stride=2)
        h4a = self.inc4a(h)
        h = self.inc4b(h4a)
        h = self.inc4c(h)
        h4d = self.inc4d(h)
        h = self.inc4e(h4d)
        h = F.max_pooling_2d(h, 3, stride=2)
        h = self.inc5a(h)
        h = self.inc5b(h)
        h = F.mean(h, axis=(2, 3))
        scores = self.fc(F.dropout(h, 0.4))
        if not chainette.config.train:
            return scores
        return scores, self.auxiliary1(h4a), self.auxiliary2(h4d)
