"""The parameterized parts of networks, shown as ``chainette.links``; and what they are made of."""

from chainette_links.chain import Chain as Chain, ChainList as ChainList
from chainette_links.classifier import Classifier
from chainette_links.embed_id import EmbedID
from chainette_links.linear import Linear
from chainette_links.link import Link as Link
from chainette_links.parameter import Parameter
from chainette_links.sequential import Sequential as Sequential

__all__ = ["Classifier", "EmbedID", "Linear", "Parameter"]
