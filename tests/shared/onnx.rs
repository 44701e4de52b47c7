//! ONNX files made by hand.

#![allow(dead_code, reason = "each test takes what it needs")]

/// Writes protobuf.
#[derive(Clone, Default)]
pub struct Proto(pub Vec<u8>);

impl Proto {
    pub fn varint(mut self, mut value: u64) -> Self {
        while value >= 0x80 {
            self.0.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
            value >>= 7;
        }
        self.0.push(u8::try_from(value).unwrap());
        self
    }

    pub fn int(self, field: u64, value: i64) -> Self {
        self.varint(field << 3).varint(value.cast_unsigned())
    }

    pub fn bytes(self, field: u64, value: &[u8]) -> Self {
        let mut result = self.varint(field << 3 | 2).varint(value.len() as u64);
        result.0.extend_from_slice(value);
        result
    }

    pub fn text(self, field: u64, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    pub fn message(self, field: u64, value: &Self) -> Self {
        self.bytes(field, &value.0)
    }
}

pub fn value_info(name: &str, element: i64, dims: &[i64]) -> Proto {
    let shape = dims
        .iter()
        .fold(Proto::default(), |shape, &dim| shape.message(1, &Proto::default().int(1, dim)));
    let tensor = Proto::default().int(1, element).message(2, &shape);
    Proto::default().text(1, name).message(2, &Proto::default().message(1, &tensor))
}

pub fn tensor(name: &str, element: i64, dims: &[i64], raw: &[u8]) -> Proto {
    let proto = dims.iter().fold(Proto::default(), |proto, &dim| proto.int(1, dim));
    proto.int(2, element).text(8, name).bytes(9, raw)
}

pub fn node(operator: &str, inputs: &[&str], output: &str) -> Proto {
    let proto = inputs.iter().fold(Proto::default(), |proto, input| proto.text(1, input));
    proto.text(2, output).text(4, operator)
}

/// A model of these parts: nodes, initializers, inputs, with the output `y`.
pub fn model(nodes: &[Proto], initializers: &[Proto], inputs: &[Proto]) -> Vec<u8> {
    named("", nodes, initializers, inputs, &["y"])
}

/// The same with a name and outputs.
pub fn named(
    name: &str,
    nodes: &[Proto],
    initializers: &[Proto],
    inputs: &[Proto],
    outputs: &[&str],
) -> Vec<u8> {
    let fields = [(1, nodes), (5, initializers), (11, inputs)];
    let mut graph = Proto::default().text(2, name);
    for (field, parts) in fields {
        graph = parts.iter().fold(graph, |graph, part| graph.message(field, part));
    }
    for output in outputs {
        graph = graph.message(12, &Proto::default().text(1, output));
    }
    let opset = Proto::default().int(2, 17);
    Proto::default().int(1, 8).message(7, &graph).message(8, &opset).0
}

pub const FLOAT: i64 = 1;
pub const INT8: i64 = 3;
pub const INT64: i64 = 7;

pub fn scale() -> Proto {
    tensor("s", FLOAT, &[], &0.5_f32.to_le_bytes())
}
