"""AlexNet, which won the classification of ImageNet 2012."""

from network import require_size

import chainette.functions as F
import chainette.links as L
from chainette import Chain
from chainette.initializers import HeNormal, Normal


class Alex(Chain):
    """Five convolutions and three linear layers, the first two of which adapt to the size of the images.

    Where the authors cut a layer's channels in halves, one for each of their two GPUs, there are two groups. The
    weights start from HeNormal, so that the biases need not start from 1.

    Source: Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", NIPS 2012.
    """

    insize = 227
    smallest = 39

    def __init__(self, classes=1000):
        super().__init__()
        W = HeNormal()
        with self.init_scope():
            self.conv1 = L.Convolution2D(3, 96, 11, stride=4, initialW=W)
            self.conv2 = L.Convolution2D(96, 256, 5, pad=2, groups=2, initialW=W)
            self.conv3 = L.Convolution2D(256, 384, 3, pad=1, initialW=W)
            self.conv4 = L.Convolution2D(384, 384, 3, pad=1, groups=2, initialW=W)
            self.conv5 = L.Convolution2D(384, 256, 3, pad=1, groups=2, initialW=W)
            self.fc6 = L.Linear(None, 4096, initialW=W)
            self.fc7 = L.Linear(4096, 4096, initialW=W)
            self.fc8 = L.Linear(4096, classes, initialW=Normal(0.01))

    def forward(self, x):
        require_size(self, x)
        h = F.local_response_normalization(F.relu(self.conv1(x)))
        h = F.max_pooling_2d(h, 3, stride=2)
        h = F.local_response_normalization(F.relu(self.conv2(h)))
        h = F.max_pooling_2d(h, 3, stride=2)
        h = F.relu(self.conv3(h))
        h = F.relu(self.conv4(h))
        h = F.relu(self.conv5(h))
        h = F.max_pooling_2d(h, 3, stride=2)
        h = F.dropout(F.relu(self.fc6(h)))
        h = F.dropout(F.relu(self.fc7(h)))
        return self.fc8(h)
