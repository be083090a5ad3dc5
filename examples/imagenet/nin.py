"""Network In Network: a small network slides over the image in place of a linear map."""

from network import require_size

import chainette.functions as F
import chainette.links as L
from chainette import Chain
from chainette.initializers import HeNormal, Normal


class NIN(Chain):
    """Four convolutions by perceptrons of three layers. The last gives a map for each class, whose mean is its score.

    The paper describes the network for smaller images; this is the one that its authors published for ImageNet.

    Source: Lin, Chen, Yan, "Network In Network", ICLR 2014.
    """

    insize = 227
    smallest = 39

    def __init__(self, classes=1000):
        super().__init__()
        W = HeNormal()
        with self.init_scope():
            self.mlpconv1 = L.MLPConvolution2D(3, (96, 96, 96), 11, stride=4, conv_init=W)
            self.mlpconv2 = L.MLPConvolution2D(96, (256, 256, 256), 5, pad=2, conv_init=W)
            self.mlpconv3 = L.MLPConvolution2D(256, (384, 384, 384), 3, pad=1, conv_init=W)
            self.mlpconv4 = L.MLPConvolution2D(384, (1024, 1024), 3, pad=1, conv_init=W)
            self.last = L.Convolution2D(1024, classes, 1, initialW=Normal(0.01))

    def forward(self, x):
        require_size(self, x)
        h = F.max_pooling_2d(F.relu(self.mlpconv1(x)), 3, stride=2)
        h = F.max_pooling_2d(F.relu(self.mlpconv2(h)), 3, stride=2)
        h = F.max_pooling_2d(F.relu(self.mlpconv3(h)), 3, stride=2)
        h = F.relu(self.mlpconv4(F.dropout(h)))
        return F.mean(self.last(h), axis=(2, 3))
