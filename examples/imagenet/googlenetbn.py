"""GoogLeNet with batch normalization, which learns in a fraction of the steps."""

from network import require_size

import chainette
import chainette.functions as F
import chainette.links as L
from chainette import Chain
from chainette.initializers import HeNormal, Normal


class AuxiliaryBN(Chain):
    """The auxiliary classifier of GoogLeNet with batch normalization in place of dropout."""

    def __init__(self, in_channels, classes):
        super().__init__()
        W = HeNormal()
        with self.init_scope():
            self.conv = L.Convolution2D(in_channels, 128, 1, nobias=True, initialW=W)
            self.bn1 = L.BatchNormalization(128)
            self.fc1 = L.Linear(None, 1024, nobias=True, initialW=W)
            self.bn2 = L.BatchNormalization(1024)
            self.fc2 = L.Linear(1024, classes, initialW=Normal(0.01))

    def forward(self, x):
        h = F.average_pooling_2d(x, 5, stride=3)
        h = F.relu(self.bn1(self.conv(h)))
        h = F.relu(self.bn2(self.fc1(h)))
        return self.fc2(h)


class GoogLeNetBN(Chain):
    """Three convolutions, the first of them separable, ten Inception modules and a linear layer.

    Neither local response normalization nor dropout is left. Modules 3c and 4e, with a distance of 2 between windows,
    take the place of poolings. In training it gives three scores: (main, auxiliary, auxiliary). The paper does not say
    where its auxiliary classifiers are; here they are, as in GoogLeNet, behind modules 4a and 4d.

    Source: Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate
    Shift", ICML 2015, figure 5.
    """

    insize = 224
    smallest = 71  # the auxiliary classifiers need 5 x 5 pixels, each from 16 x 16

    def __init__(self, classes=1000):
        super().__init__()
        W = HeNormal()
        with self.init_scope():
            self.conv1_depth = L.DepthwiseConvolution2D(3, 8, 7, stride=2, pad=3, nobias=True)
            self.conv1 = L.Convolution2D(24, 64, 1, nobias=True, initialW=W)
            self.bn1 = L.BatchNormalization(64)
            self.conv2_reduce = L.Convolution2D(64, 64, 1, nobias=True, initialW=W)
            self.bn2_reduce = L.BatchNormalization(64)
            self.conv2 = L.Convolution2D(64, 192, 3, pad=1, nobias=True, initialW=W)
            self.bn2 = L.BatchNormalization(192)
            self.inc3a = L.InceptionBN(192, 64, 64, 64, 64, 96, "avg", 32, conv_init=W)
            self.inc3b = L.InceptionBN(256, 64, 64, 96, 64, 96, "avg", 64, conv_init=W)
            self.inc3c = L.InceptionBN(320, 0, 128, 160, 64, 96, "max", stride=2, conv_init=W)
            self.inc4a = L.InceptionBN(576, 224, 64, 96, 96, 128, "avg", 128, conv_init=W)
            self.inc4b = L.InceptionBN(576, 192, 96, 128, 96, 128, "avg", 128, conv_init=W)
            self.inc4c = L.InceptionBN(576, 160, 128, 160, 128, 160, "avg", 96, conv_init=W)
            self.inc4d = L.InceptionBN(576, 96, 128, 192, 160, 192, "avg", 96, conv_init=W)
            self.inc4e = L.InceptionBN(576, 0, 128, 192, 192, 256, "max", stride=2, conv_init=W)
            self.inc5a = L.InceptionBN(1024, 352, 192, 320, 160, 224, "avg", 128, conv_init=W)
            self.inc5b = L.InceptionBN(1024, 352, 192, 320, 192, 224, "max", 128, conv_init=W)
            self.fc = L.Linear(1024, classes, initialW=Normal(0.01))
            self.auxiliary1 = AuxiliaryBN(576, classes)
            self.auxiliary2 = AuxiliaryBN(576, classes)

    def forward(self, x):
        require_size(self, x)
        h = F.relu(self.bn1(self.conv1(self.conv1_depth(x))))
        h = F.max_pooling_2d(h, 3, stride=2)
        h = F.relu(self.bn2_reduce(self.conv2_reduce(h)))
        h = F.relu(self.bn2(self.conv2(h)))
        h = F.max_pooling_2d(h, 3, stride=2)
        h = self.inc3a(h)
        h = self.inc3b(h)
        h = self.inc3c(h)
        h4a = self.inc4a(h)
        h = self.inc4b(h4a)
        h = self.inc4c(h)
        h4d = self.inc4d(h)
        h = self.inc4e(h4d)
        h = self.inc5a(h)
        h = self.inc5b(h)
        scores = self.fc(F.mean(h, axis=(2, 3)))
        if not chainette.config.train:
            return scores
        return scores, self.auxiliary1(h4a), self.auxiliary2(h4d)
