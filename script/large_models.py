#!/usr/bin/env python3
"""Makes large convnets as float ONNX files with a calibration set, to try what one machine proves.

    script/large_models.py OUT [resnet18] [mobilenet_v2] [mobilenet_v2:224] [vgg16]

ResNet-18 for 32 × 32 pixels has 11.2 million weights, MobileNetV2 at 96 pixels (or as many as are named) 3.5 million,
VGG16 for 32 × 32 pixels 15.3 million: `keygen --segments auto --max-memory BYTES` cuts them into parts. Weights are random, of the size that
training begins with: what a proof costs depends on shapes, and hardly on values. Needs numpy and onnx (`script/requirements.txt`).
"""
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CALIBRATION = 16


class Net:
    """A graph that grows by layers, whose normalizations are folded into their convolutions as exporters do."""

    def __init__(self, name, shape, seed):
        self.name, self.shape, self.random = name, shape, np.random.default_rng(seed)
        self.nodes, self.weights, self.channels, self.count = [], [], shape[0], 0

    def add(self, operator, inputs, **attributes):
        self.count += 1
        output = f"{operator.lower()}_{self.count}"
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def weight(self, values):
        name = f"w_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    def conv(self, x, inputs, outputs, kernel, stride=1, group=1, gain=1.0):
        fan_in = inputs // group * kernel * kernel
        shape = (outputs, inputs // group, kernel, kernel)
        weights = self.random.normal(0, gain * np.sqrt(2 / fan_in), shape)
        bias = self.random.normal(0, 0.05, outputs)
        pad = kernel // 2
        return self.add(
            "Conv",
            [x, self.weight(weights), self.weight(bias)],
            kernel_shape=[kernel] * 2,
            pads=[pad] * 4,
            strides=[stride] * 2,
            group=group,
        )

    def relu(self, x):
        return self.add("Relu", [x])

    def pool(self, x):
        return self.add("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])

    def dense(self, x, inputs, outputs):
        weights = self.random.normal(0, np.sqrt(2 / inputs), (outputs, inputs))
        bias = self.random.normal(0, 0.05, outputs)
        return self.add("Gemm", [x, self.weight(weights), self.weight(bias)], transB=1)

    def relu6(self, x):
        return self.add("Clip", [x, self.weight(np.array(0.0)), self.weight(np.array(6.0))])

    def head(self, x, channels, classes):
        x = self.add("GlobalAveragePool", [x])
        x = self.add("Flatten", [x])
        weights = self.random.normal(0, np.sqrt(1 / channels), (classes, channels))
        bias = self.random.normal(0, 0.05, classes)
        self.nodes.append(
            helper.make_node("Gemm", [x, self.weight(weights), self.weight(bias)], ["logits"], name="head", transB=1)
        )
        return classes

    def write(self, out, classes):
        graph = helper.make_graph(
            self.nodes,
            self.name,
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, *self.shape])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, classes])],
            self.weights,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        out.mkdir(parents=True, exist_ok=True)
        onnx.save(model, out / "float.onnx")
        images = self.random.uniform(-1, 1, (CALIBRATION, *self.shape)).astype(np.float32)
        np.save(out / "calibration.npy", images)
        np.save(out / "input.npy", images[:1])
        parameters = sum(int(np.prod(weight.dims)) for weight in self.weights)
        print(f"{out / 'float.onnx'}: {parameters:,} parameters")


def resnet18(out):
    net = Net("resnet18", (3, 32, 32), 18)
    x, channels = net.relu(net.conv("image", 3, 64, 3)), 64
    for outputs, stride in [(64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)]:
        y = net.relu(net.conv(x, channels, outputs, 3, stride))
        y = net.conv(y, outputs, outputs, 3, gain=0.4)
        if stride != 1 or channels != outputs:
            x = net.conv(x, channels, outputs, 1, stride, gain=0.7)
        x, channels = net.relu(net.add("Add", [x, y])), outputs
    net.write(out, net.head(x, channels, 10))


def mobilenet_v2(out, pixels=96):
    net = Net("mobilenet_v2", (3, pixels, pixels), 2)
    x, channels = net.relu6(net.conv("image", 3, 32, 3, 2)), 32
    # Expansion, channels, repetitions, stride of the first.
    for expand, outputs, times, first in [
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ]:
        for number in range(times):
            stride = first if number == 0 else 1
            hidden = channels * expand
            y = net.relu6(net.conv(x, channels, hidden, 1)) if expand > 1 else x
            y = net.relu6(net.conv(y, hidden, hidden, 3, stride, group=hidden))
            y = net.conv(y, hidden, outputs, 1, gain=0.5)
            x = net.add("Add", [x, y]) if stride == 1 and channels == outputs else y
            channels = outputs
    x = net.relu6(net.conv(x, channels, 1280, 1))
    net.write(out, net.head(x, 1280, 1000))


def vgg16(out):
    net = Net("vgg16", (3, 32, 32), 16)
    x, channels = "image", 3
    for stage, times in [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]:
        for _ in range(times):
            x, channels = net.relu(net.conv(x, channels, stage, 3)), stage
        x = net.pool(x)
    x = net.add("Flatten", [x])
    for _ in range(2):
        x = net.relu(net.dense(x, 512, 512))
    weights = net.random.normal(0, np.sqrt(1 / 512), (10, 512))
    bias = net.random.normal(0, 0.05, 10)
    net.nodes.append(
        helper.make_node("Gemm", [x, net.weight(weights), net.weight(bias)], ["logits"], name="head", transB=1)
    )
    net.write(out, 10)


MAKERS = {"resnet18": resnet18, "mobilenet_v2": mobilenet_v2, "vgg16": vgg16}


def main():
    wanted = []
    for word in sys.argv[2:] or MAKERS:
        name, _, pixels = word.partition(":")
        # Each of MobileNetV2's five strides halves the image.
        has_size = name == "mobilenet_v2" and pixels.isdecimal() and int(pixels) >= 32
        if name not in MAKERS or (word != name and not has_size):
            sys.exit(__doc__)
        wanted.append((name, [int(pixels)] if has_size else [], word.replace(":", "_")))
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for name, size, folder in wanted:
        MAKERS[name](Path(sys.argv[1]) / folder, *size)


if __name__ == "__main__":
    main()
