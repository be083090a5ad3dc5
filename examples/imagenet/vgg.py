"""VGG-16, the network of 16 layers of the Visual Geometry Group."""

from network import require_size

import chainette.functions as F
import chainette.links as L
from chainette import Chain
from chainette.initializers import HeNormal, Normal


class VGG16(Chain):
    """Thirteen convolutions with windows of 3 x 3 in five groups, and three linear layers: configuration D.

    The first linear layer adapts to the size of the images. The authors had to begin with a shallower network and put
    further layers in; with HeNormal, which came later, all sixteen learn from the start.

    Source: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015.
    """

    insize = 224
    smallest = 32  # halved five times, one pixel is left

    def __init__(self, classes=1000):
        super().__init__()
        W = HeNormal()
        with self.init_scope():
            self.conv1_1 = L.Convolution2D(3, 64, 3, pad=1, initialW=W)
            self.conv1_2 = L.Convolution2D(64, 64, 3, pad=1, initialW=W)
            self.conv2_1 = L.Convolution2D(64, 128, 3, pad=1, initialW=W)
            self.conv2_2 = L.Convolution2D(128, 128, 3, pad=1, initialW=W)
            self.conv3_1 = L.Convolution2D(128, 256, 3, pad=1, initialW=W)
            self.conv3_2 = L.Convolution2D(256, 256, 3, pad=1, initialW=W)
            self.conv3_3 = L.Convolution2D(256, 256, 3, pad=1, initialW=W)
            self.conv4_1 = L.Convolution2D(256, 512, 3, pad=1, initialW=W)
            self.conv4_2 = L.Convolution2D(512, 512, 3, pad=1, initialW=W)
            self.conv4_3 = L.Convolution2D(512, 512, 3, pad=1, initialW=W)
            self.conv5_1 = L.Convolution2D(512, 512, 3, pad=1, initialW=W)
            self.conv5_2 = L.Convolution2D(512, 512, 3, pad=1, initialW=W)
            self.conv5_3 = L.Convolution2D(512, 512, 3, pad=1, initialW=W)
            self.fc6 = L.Linear(None, 4096, initialW=W)
            self.fc7 = L.Linear(4096, 4096, initialW=W)
            self.fc8 = L.Linear(4096, classes, initialW=Normal(0.01))

    def forward(self, x):
        require_size(self, x)
        h = F.relu(self.conv1_1(x))
        h = F.relu(self.conv1_2(h))
        h = F.max_pooling_2d(h, 2)
        h = F.relu(self.conv2_1(h))
        h = F.relu(self.conv2_2(h))
        h = F.max_pooling_2d(h, 2)
        h = F.relu(self.conv3_1(h))
        h = F.relu(self.conv3_2(h))
        h = F.relu(self.conv3_3(h))
        h = F.max_pooling_2d(h, 2)
        h = F.relu(self.conv4_1(h))
        h = F.relu(self.conv4_2(h))
        h = F.relu(self.conv4_3(h))
        h = F.max_pooling_2d(h, 2)
        h = F.relu(self.conv5_1(h))
        h = F.relu(self.conv5_2(h))
        h = F.relu(self.conv5_3(h))
        h = F.max_pooling_2d(h, 2)
        h = F.dropout(F.relu(self.fc6(h)))
        h = F.dropout(F.relu(self.fc7(h)))
        return self.fc8(h)
