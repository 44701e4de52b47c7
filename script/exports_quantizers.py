"""Small nets as onnxruntime's four quantizers write them (for `script/exports.py --quantizers`)."""

import logging
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

logging.disable(logging.WARNING)

# What static quantization is told.
STATIC = {
    "static_int8": {"activation_type": QuantType.QInt8, "weight_type": QuantType.QInt8},
    "a16w8": {"activation_type": QuantType.QUInt16, "weight_type": QuantType.QInt8},
    "a8w4": {"activation_type": QuantType.QInt8, "weight_type": QuantType.QInt4},
}
NETS = ["linear_stack", "conv_batch_norm", "strides_groups_and_pools"]


class Reader(CalibrationDataReader):
    def __init__(self, examples):
        self.rows = iter([{"x": row} for row in examples])

    def get_next(self):
        return next(self.rows, None)


def models(nets):
    """Each net with each quantizer: the file, and examples."""

    def make(net, how):
        file, examples = nets[net]()
        # Newer operator sets have 4 and 16 bits.
        file = onnx.version_converter.convert_version(file, 21)
        examples = np.asarray(examples, np.float32)
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder) / "float.onnx", Path(folder) / "quantized.onnx"
            onnx.save(file, source)
            if how == "dynamic":
                quantize_dynamic(source, target, weight_type=QuantType.QInt8)
            else:
                reader = Reader(examples.reshape(-1, *[dim.dim_value for dim in file.graph.input[0].type.tensor_type.shape.dim]))
                quantize_static(source, target, reader, quant_format=QuantFormat.QDQ, **STATIC[how])
            return onnx.load(target), {"x": examples}

    return {f"{net}_{how}": lambda net=net, how=how: make(net, how) for net in NETS for how in ["dynamic", *STATIC]}
