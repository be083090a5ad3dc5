"""ResNet-50, a residual network: its layers compute what is to be added to their input."""

from network import require_size

import chainette.functions as F
import chainette.links as L
from chainette import Chain, ChainList
from chainette.initializers import HeNormal, Normal


class Bottleneck(Chain):
    """A 1 x 1 convolution to fewer channels, a 3 x 3 one on these, and a 1 x 1 one to four times as many.

    Where it changes the number of channels or of pixels, a 1 x 1 convolution does the same to the input, so that the
    two can be added. At first, gamma of the last normalization being 0, nothing is added: so the network starts as a
    shallow one (Goyal et al., "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour", 2017, section 5.1).
    """

    def __init__(self, in_channels, channels, stride):
        super().__init__()
        W = HeNormal()
        out_channels = 4 * channels
        self.project = stride != 1 or in_channels != out_channels
        with self.init_scope():
            self.conv1 = L.Convolution2D(in_channels, channels, 1, stride=stride, nobias=True, initialW=W)
            self.bn1 = L.BatchNormalization(channels)
            self.conv2 = L.Convolution2D(channels, channels, 3, pad=1, nobias=True, initialW=W)
            self.bn2 = L.BatchNormalization(channels)
            self.conv3 = L.Convolution2D(channels, out_channels, 1, nobias=True, initialW=W)
            self.bn3 = L.BatchNormalization(out_channels, initial_gamma=0)
            if self.project:
                self.conv4 = L.Convolution2D(in_channels, out_channels, 1, stride=stride, nobias=True, initialW=W)
                self.bn4 = L.BatchNormalization(out_channels)

    def forward(self, x):
        h = F.relu(self.bn1(self.conv1(x)))
        h = F.relu(self.bn2(self.conv2(h)))
        h = self.bn3(self.conv3(h))
        return F.relu(h + (self.bn4(self.conv4(x)) if self.project else x))


class Block(ChainList):
    """Bottlenecks one behind the other; only the first changes the numbers of channels and pixels."""

    def __init__(self, count, in_channels, channels, stride):
        first = Bottleneck(in_channels, channels, stride)
        super().__init__(first, *(Bottleneck(4 * channels, channels, stride=1) for _ in range(count - 1)))

    def forward(self, x):
        for bottleneck in self:
            x = bottleneck(x)
        return x


class ResNet50(Chain):
    """A convolution, four blocks of bottlenecks and a linear layer: 50 layers with weights on the longest way.

    Source: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016.
    """

    insize = 224
    smallest = 32  # halved five times, one pixel is left

    def __init__(self, classes=1000):
        super().__init__()
        with self.init_scope():
            self.conv1 = L.Convolution2D(3, 64, 7, stride=2, pad=3, nobias=True, initialW=HeNormal())
            self.bn1 = L.BatchNormalization(64)
            self.res2 = Block(3, 64, 64, stride=1)
            self.res3 = Block(4, 256, 128, stride=2)
            self.res4 = Block(6, 512, 256, stride=2)
            self.res5 = Block(3, 1024, 512, stride=2)
            self.fc = L.Linear(2048, classes, initialW=Normal(0.01))

    def forward(self, x):
        require_size(self, x)
        h = F.relu(self.bn1(self.conv1(x)))
        h = F.max_pooling_2d(h, 3, stride=2)
        h = self.res2(h)
        h = self.res3(h)
        h = self.res4(h)
        h = self.res5(h)
        return self.fc(F.mean(h, axis=(2, 3)))
