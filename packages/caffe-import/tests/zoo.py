"""Known nets as prototxts in the form for use, at their full size, written by loops from the papers.

Weights start by the filler ``msra``, with which signals keep their size on the way through a net; the upsampling of
FCN-8s starts as interpolation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MSRA = {"type": "msra"}
ENUMS = "pool", "operation", "code_type"  # whose values are words without quotes


def _lines(fields: dict[str, Any], indent: str) -> list[str]:
    """Fields in the text format; a list is a field that is repeated."""
    lines = []
    for name, value in fields.items():
        for each in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(each, dict):
                lines += [f"{indent}{name} {{", *_lines(each, indent + "  "), f"{indent}}}"]
            elif isinstance(each, str) and name not in ENUMS:
                lines.append(f'{indent}{name}: "{each}"')
            else:
                lines.append(f"{indent}{name}: {str(each).lower() if isinstance(each, bool) else each}")
    return lines


class Net:
    """A net to which layers are added; each reads the top of the one before, unless it says what else.

    Args:
        name: what it is called.
        size: channels, height and width of the input, ``data``.
    """

    def __init__(self, name: str, *size: int) -> None:
        self.lines = [f'name: "{name}"']
        self.top = "data"
        self.layer("data", "Input", [], input_param={"shape": {"dim": [1, *size]}})

    def layer(
        self, name: str, type: str, bottoms: Sequence[str] | None = None, top: str | None = None, **messages: Any
    ) -> str:
        """Add a layer whose top has its name, or another; that top."""
        fields: dict[str, Any] = {"name": name, "type": type}
        fields["bottom"] = [self.top] if bottoms is None else bottoms
        self.top = fields["top"] = top or name
        self.lines += _lines({"layer": fields | messages}, "")
        return self.top

    def in_place(self, name: str, type: str, **messages: Any) -> str:
        return self.layer(name, type, top=self.top, **messages)

    def conv(self, name: str, outputs: int, kernel: int, bottom: str | None = None, **more: Any) -> str:
        fields = {"num_output": outputs, "kernel_size": kernel, "weight_filler": MSRA, **more}
        return self.layer(name, "Convolution", None if bottom is None else [bottom], convolution_param=fields)

    def conv_relu(self, name: str, *sizes: Any, relu: str | None = None, **more: Any) -> str:
        self.conv(name, *sizes, **more)
        return self.relu(relu or f"relu_{name}")

    def relu(self, name: str) -> str:
        return self.in_place(name, "ReLU")

    def pool(self, name: str, bottom: str | None = None, kind: str = "MAX", **more: Any) -> str:
        bottoms = None if bottom is None else [bottom]
        return self.layer(name, "Pooling", bottoms, pooling_param={"pool": kind, **more})

    def norm(self, name: str) -> str:
        return self.layer(name, "LRN", lrn_param={"local_size": 5, "alpha": 0.0001, "beta": 0.75})

    def dense(self, name: str, outputs: int) -> str:
        fields = {"num_output": outputs, "weight_filler": MSRA}
        return self.layer(name, "InnerProduct", inner_product_param=fields)

    def dropout(self, name: str, ratio: float = 0.5) -> str:
        return self.in_place(name, "Dropout", dropout_param={"dropout_ratio": ratio})

    def bn_scale(self, end: str) -> str:
        """Batch normalization as Caffe has it, in two layers."""
        self.in_place(f"bn{end}", "BatchNorm")
        return self.in_place(f"scale{end}", "Scale", scale_param={"filler": {"value": 1}, "bias_term": True})

    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


def alexnet() -> str:
    """Krizhevsky, Sutskever and Hinton, 2012, with pooling after normalization."""
    net = Net("AlexNet", 3, 227, 227)
    net.conv_relu("conv1", 96, 11, stride=4)
    net.norm("norm1")
    net.pool("pool1", kernel_size=3, stride=2)
    net.conv_relu("conv2", 256, 5, pad=2, group=2)
    net.norm("norm2")
    net.pool("pool2", kernel_size=3, stride=2)
    net.conv_relu("conv3", 384, 3, pad=1)
    net.conv_relu("conv4", 384, 3, pad=1, group=2)
    net.conv_relu("conv5", 256, 3, pad=1, group=2)
    net.pool("pool5", kernel_size=3, stride=2)
    _three_dense_layers(net)
    return net.text()


def _three_dense_layers(net: Net) -> None:
    for name in ("fc6", "fc7"):
        net.dense(name, 4096)
        net.relu(f"relu_{name}")
        net.dropout(f"drop_{name}")
    net.dense("fc8", 1000)
    net.layer("prob", "Softmax")


def _vgg_blocks(net: Net, first_pad: int = 1) -> None:
    """The convolutions of VGG-16, with the poolings between them."""
    for block, (outputs, layers) in enumerate([(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)], 1):
        for i in range(1, layers + 1):
            net.conv_relu(f"conv{block}_{i}", outputs, 3, pad=first_pad if block == i == 1 else 1)
        if block < 5:
            net.pool(f"pool{block}", kernel_size=2, stride=2)


def vgg16() -> str:
    """Simonyan and Zisserman, 2014."""
    net = Net("VGG-16", 3, 224, 224)
    _vgg_blocks(net)
    net.pool("pool5", kernel_size=2, stride=2)
    _three_dense_layers(net)
    return net.text()


INCEPTIONS = {
    "3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64), "4b": (160, 112, 224, 24, 64, 64), "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64), "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128), "5b": (384, 192, 384, 48, 128, 128),
}  # fmt: skip
"""Table 1 of the paper: the outputs of 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5 and pool proj."""


def googlenet() -> str:
    """Szegedy et al., 2014, without the two auxiliary classifiers, which use has none of."""
    net = Net("GoogLeNet", 3, 224, 224)
    net.conv_relu("conv1/7x7_s2", 64, 7, pad=3, stride=2)
    net.pool("pool1/3x3_s2", kernel_size=3, stride=2)
    net.norm("pool1/norm1")
    net.conv_relu("conv2/3x3_reduce", 64, 1)
    net.conv_relu("conv2/3x3", 192, 3, pad=1)
    net.norm("conv2/norm2")
    net.pool("pool2/3x3_s2", kernel_size=3, stride=2)
    for name, (one, reduce3, three, reduce5, five, proj) in INCEPTIONS.items():
        start, at = net.top, f"inception_{name}/"
        arms = [net.conv_relu(f"{at}1x1", one, 1, start)]
        net.conv_relu(f"{at}3x3_reduce", reduce3, 1, start)
        arms.append(net.conv_relu(f"{at}3x3", three, 3, pad=1))
        net.conv_relu(f"{at}5x5_reduce", reduce5, 1, start)
        arms.append(net.conv_relu(f"{at}5x5", five, 5, pad=2))
        net.pool(f"{at}pool", start, kernel_size=3, stride=1, pad=1)
        arms.append(net.conv_relu(f"{at}pool_proj", proj, 1))
        net.layer(f"{at}output", "Concat", arms)
        if name in ("3b", "4e"):
            net.pool(f"pool{name[0]}/3x3_s2", kernel_size=3, stride=2)
    net.pool("pool5/7x7_s1", kind="AVE", kernel_size=7, stride=1)
    net.dropout("pool5/drop_7x7_s1", 0.4)
    net.dense("loss3/classifier", 1000)
    net.layer("prob", "Softmax")
    return net.text()


def resnet50() -> str:
    """He, Zhang, Ren and Sun, 2015."""
    net = Net("ResNet-50", 3, 224, 224)

    def unit(end: str, outputs: int, kernel: int, bottom: str | None = None, **more: Any) -> str:
        net.conv(f"res{end}", outputs, kernel, bottom, bias_term=False, **more)
        return net.bn_scale(end)

    unit("_conv1", 64, 7, pad=3, stride=2)
    net.relu("relu_conv1")
    net.pool("pool1", kernel_size=3, stride=2)
    for stage, blocks in (2, "abc"), (3, "abcd"), (4, "abcdef"), (5, "abc"):
        width = 32 << stage - 1
        for block in blocks:
            start = shortcut = net.top
            at, stride = f"{stage}{block}", 2 if block == "a" and stage > 2 else 1
            if block == "a":
                shortcut = unit(f"{at}_branch1", 4 * width, 1, stride=stride)
            unit(f"{at}_branch2a", width, 1, start, stride=stride)
            net.relu(f"relu{at}_branch2a")
            unit(f"{at}_branch2b", width, 3, pad=1)
            net.relu(f"relu{at}_branch2b")
            unit(f"{at}_branch2c", 4 * width, 1)
            net.layer(f"res{at}", "Eltwise", [shortcut, net.top], eltwise_param={"operation": "SUM"})
            net.relu(f"relu{at}")
    net.pool("pool5", kind="AVE", global_pooling=True)
    net.dense("fc1000", 1000)
    net.layer("prob", "Softmax")
    return net.text()


def squeezenet() -> str:
    """SqueezeNet 1.1; Iandola et al., 2016."""
    net = Net("SqueezeNet", 3, 227, 227)
    net.conv_relu("conv1", 64, 3, stride=2)
    net.pool("pool1", kernel_size=3, stride=2)
    sizes = {
        2: (16, 64),
        3: (16, 64),
        4: (32, 128),
        5: (32, 128),
        6: (48, 192),
        7: (48, 192),
        8: (64, 256),
        9: (64, 256),
    }
    for number, (squeeze, expand) in sizes.items():
        at = f"fire{number}/"
        start = net.conv_relu(f"{at}squeeze1x1", squeeze, 1)
        arms = [
            net.conv_relu(f"{at}expand1x1", expand, 1, start),
            net.conv_relu(f"{at}expand3x3", expand, 3, start, pad=1),
        ]
        net.layer(f"{at}concat", "Concat", arms)
        if number in (3, 5):
            net.pool(f"pool{number}", kernel_size=3, stride=2)
    net.dropout("drop9")
    net.conv_relu("conv10", 1000, 1)
    net.pool("pool10", kind="AVE", global_pooling=True)
    net.layer("prob", "Softmax")
    return net.text()


def mobilenet() -> str:
    """Howard et al., 2017: of each two convolutions the first has as many groups as channels."""
    net = Net("MobileNet", 3, 224, 224)

    def unit(name: str, outputs: int, kernel: int, **more: Any) -> None:
        net.conv(name, outputs, kernel, bias_term=False, **more)
        net.bn_scale(f"_{name}")
        net.relu(f"relu_{name}")

    unit("conv1", 32, 3, pad=1, stride=2)
    channels, halved = 32, (2, 4, 6, 12)
    for i, outputs in enumerate([64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024], 1):
        unit(f"conv{i + 1}/dw", channels, 3, pad=1, stride=2 if i in halved else 1, group=channels)
        unit(f"conv{i + 1}/sep", outputs, 1)
        channels = outputs
    net.pool("pool6", kind="AVE", global_pooling=True)
    net.conv("fc7", 1000, 1)
    net.layer("prob", "Softmax")
    return net.text()


def fcn8s(height: int = 500, width: int = 500) -> str:
    """Long, Shelhamer and Darrell, 2015, for images of any size: 21 scores for each pixel."""
    net = Net("FCN-8s", 3, height, width)
    _vgg_blocks(net, first_pad=100)
    net.pool("pool5", kernel_size=2, stride=2)
    net.conv_relu("fc6", 4096, 7)
    net.dropout("drop6")
    net.conv_relu("fc7", 4096, 1)
    net.dropout("drop7")
    net.conv("score_fr", 21, 1)
    for pool, offset, top in ("pool4", 5, "upscore2"), ("pool3", 9, "upscore_pool4"):
        upscored = _upscore(net, top, 2)
        score = net.conv(f"score_{pool}", 21, 1, pool)
        net.layer(f"score_{pool}c", "Crop", [score, upscored], crop_param={"axis": 2, "offset": offset})
        net.layer(f"fuse_{pool}", "Eltwise", [upscored, net.top], eltwise_param={"operation": "SUM"})
    _upscore(net, "upscore8", 8)
    net.layer("score", "Crop", [net.top, "data"], crop_param={"axis": 2, "offset": 31})
    return net.text()


def _upscore(net: Net, name: str, times: int) -> str:
    """Make the scores a number of times as large; interpolation is where that starts."""
    fields = {"num_output": 21, "group": 21, "kernel_size": 2 * times, "stride": times, "bias_term": False}
    return net.layer(name, "Deconvolution", convolution_param=fields | {"weight_filler": {"type": "bilinear"}})


SOURCES = {
    "conv4_3_norm": (30, 8, [2]), "fc7": (60, 16, [2, 3]), "conv6_2": (111, 32, [2, 3]), "conv7_2": (162, 64, [2, 3]),
    "conv8_2": (213, 100, [2]), "conv9_2": (264, 300, [2]),
}  # fmt: skip
"""From which blobs SSD-300 takes boxes: their smallest size, their distance, and their ratios besides 1."""


def ssd300() -> str:
    """Liu et al., 2016, for the 21 classes of VOC, on VGG-16."""
    net = Net("SSD-300", 3, 300, 300)
    _vgg_blocks(net)
    net.pool("pool5", kernel_size=3, stride=1, pad=1)
    net.conv_relu("fc6", 1024, 3, pad=6, dilation=6)
    net.conv_relu("fc7", 1024, 1)
    for block, (reduced, outputs, more) in enumerate(
        [(256, 512, {"pad": 1, "stride": 2}), (128, 256, {"pad": 1, "stride": 2}), (128, 256, {}), (128, 256, {})], 6
    ):
        net.conv_relu(f"conv{block}_1", reduced, 1)
        net.conv_relu(f"conv{block}_2", outputs, 3, **more)
    scale = {"across_spatial": False, "channel_shared": False, "scale_filler": {"value": 20}}
    net.layer("conv4_3_norm", "Normalize", ["conv4_3"], norm_param=scale)
    sizes = [size for size, _, _ in SOURCES.values()] + [315]
    for (source, (size, step, ratios)), larger in zip(SOURCES.items(), sizes[1:], strict=True):
        boxes = 2 + 2 * len(ratios)
        for kind, values in ("loc", 4), ("conf", 21):
            net.conv(f"{source}_mbox_{kind}", boxes * values, 3, source, pad=1)
            net.layer(f"{net.top}_perm", "Permute", permute_param={"order": [0, 2, 3, 1]})
            net.layer(f"{source}_mbox_{kind}_flat", "Flatten", flatten_param={"axis": 1})
        prior = {"min_size": size, "max_size": larger, "aspect_ratio": ratios, "flip": True, "clip": False}
        prior |= {"variance": [0.1, 0.1, 0.2, 0.2], "step": step, "offset": 0.5}
        net.layer(f"{source}_mbox_priorbox", "PriorBox", [source, "data"], prior_box_param=prior)
    for kind, end, axis in ("loc", "_flat", 1), ("conf", "_flat", 1), ("priorbox", "", 2):
        bottoms = [f"{source}_mbox_{kind}{end}" for source in SOURCES]
        net.layer(f"mbox_{kind}", "Concat", bottoms, concat_param={"axis": axis})
    net.layer("mbox_conf_reshape", "Reshape", ["mbox_conf"], reshape_param={"shape": {"dim": [0, -1, 21]}})
    net.layer("mbox_conf_softmax", "Softmax", softmax_param={"axis": 2})
    net.layer("mbox_conf_flatten", "Flatten", flatten_param={"axis": 1})
    output = {"num_classes": 21, "share_location": True, "background_label_id": 0, "code_type": "CENTER_SIZE"}
    output |= {"nms_param": {"nms_threshold": 0.45, "top_k": 400}, "keep_top_k": 200, "confidence_threshold": 0.01}
    bottoms = ["mbox_loc", "mbox_conf_flatten", "mbox_priorbox"]
    net.layer("detection_out", "DetectionOutput", bottoms, detection_output_param=output)
    return net.text()
