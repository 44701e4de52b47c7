//! The part of ONNX's protobuf messages that is read here, by field number.
//!
//! Unknown fields are skipped, so files of any version decode.

use prost::{Enumeration, Message, Oneof};

use super::{ModelError, limits};
use crate::name::Name;

/// How deep messages may lie in others, branches of branches: `prost` decodes none below.
const MOST_DEPTH: usize = 100;

/// Decodes a file, after counting what it is made of: a message of two bytes in the file takes some
/// hundred bytes in memory.
pub(super) fn decode(bytes: &[u8]) -> Result<ModelProto, ModelError> {
    let mut count = 0;
    count_messages(bytes, Level::Model, MOST_DEPTH, &mut count);
    if count > limits::MAX_MESSAGES {
        return Err(ModelError::TooLarge {
            what: "the number of protobuf messages".into(),
            got: count as u128,
            limit: limits::MAX_MESSAGES as u128,
        });
    }
    let mut file = ModelProto::decode(bytes).map_err(ModelError::NotOnnx)?;
    file.names().for_each(Name::tame);
    Ok(file)
}

/// Every name in a file, which its author has chosen. Equal ones stay equal.
impl ModelProto {
    fn names(&mut self) -> impl Iterator<Item = &mut String> {
        let sets = self.opset_import.iter_mut().map(|set| &mut set.domain);
        sets.chain(self.graph.iter_mut().flat_map(GraphProto::names))
    }
}

impl ModelProto {
    /// The one version of ONNX's own operators that the file is written in. Without one, or with several, nobody knows
    /// what its nodes mean.
    pub fn operator_set(&self) -> Result<i64, ModelError> {
        let own = |set: &&OperatorSetIdProto| matches!(set.domain.as_str(), "" | "ai.onnx");
        let mut versions = self.opset_import.iter().filter(own).map(|set| set.version);
        let version = versions.next().ok_or(ModelError::Missing("operator set"))?;
        match versions.find(|&other| other != version) {
            Some(other) => Err(ModelError::OperatorSets { versions: [version, other] }),
            None => Ok(version),
        }
    }
}

impl GraphProto {
    /// Those in branches too, which decoding lets lie a hundred messages deep at most.
    fn names(&mut self) -> Box<dyn Iterator<Item = &mut String> + '_> {
        let ports = self.input.iter_mut().chain(&mut self.output);
        let names = std::iter::once(&mut self.name)
            .chain(self.node.iter_mut().flat_map(NodeProto::names))
            .chain(self.initializer.iter_mut().map(|tensor| &mut tensor.name))
            .chain(ports.flat_map(ValueInfoProto::names));
        Box::new(names)
    }
}

impl NodeProto {
    fn names(&mut self) -> impl Iterator<Item = &mut String> {
        let attributes = self.attribute.iter_mut().flat_map(|attribute| {
            let tensor = attribute.t.iter_mut().map(|tensor| &mut tensor.name);
            let branch = attribute.g.iter_mut().flat_map(|graph| graph.names());
            std::iter::once(&mut attribute.name).chain(tensor).chain(branch)
        });
        let own = [&mut self.name, &mut self.op_type, &mut self.domain];
        own.into_iter().chain(&mut self.input).chain(&mut self.output).chain(attributes)
    }
}

impl ValueInfoProto {
    fn names(&mut self) -> impl Iterator<Item = &mut String> {
        let shape = self.r#type.iter_mut().filter_map(|ty| ty.tensor_type.as_mut()?.shape.as_mut());
        let symbols =
            shape.flat_map(|shape| &mut shape.dim).filter_map(|dim| match &mut dim.value {
                Some(Dimension::Symbol(symbol)) => Some(symbol),
                _ => None,
            });
        std::iter::once(&mut self.name).chain(symbols)
    }
}

/// The messages that hold others.
#[derive(Clone, Copy)]
enum Level {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    ValueInfo,
    Type,
    TensorType,
    Shape,
    Other,
}

impl Level {
    /// What a length-delimited field holds.
    fn below(self, field: u64) -> Self {
        match (self, field) {
            (Self::Model, 7) | (Self::Attribute, 6) => Self::Graph,
            (Self::Graph, 1) => Self::Node,
            (Self::Graph | Self::Attribute, 5) => Self::Tensor,
            (Self::Graph, 11 | 12) => Self::ValueInfo,
            (Self::Node, 5) => Self::Attribute,
            (Self::ValueInfo, 2) => Self::Type,
            (Self::Type, 1) => Self::TensorType,
            (Self::TensorType, 2) => Self::Shape,
            _ => Self::Other,
        }
    }
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// Counts length-delimited fields. Stops at the first damage, or below the last depth, which decoding will report.
fn count_messages(mut bytes: &[u8], level: Level, depth: usize, count: &mut usize) {
    while let Some(key) = varint(&mut bytes) {
        let skip = match key & 7 {
            0 => match varint(&mut bytes) {
                Some(_) => 0,
                None => return,
            },
            1 => 8,
            2 => {
                let Some(len) = varint(&mut bytes).and_then(|len| usize::try_from(len).ok()) else {
                    return;
                };
                *count += 1;
                match (bytes.get(..len), level.below(key >> 3)) {
                    (None, _) => return,
                    (Some(_), Level::Other) => {}
                    (Some(_), _) if depth == 0 => return,
                    (Some(inner), below) => count_messages(inner, below, depth - 1, count),
                }
                len
            }
            5 => 4,
            _ => return,
        };
        match bytes.get(skip..) {
            Some(rest) => bytes = rest,
            None => return,
        }
    }
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ModelProto {
    #[prost(int64, tag = "1")]
    pub ir_version: i64,
    #[prost(string, tag = "2")]
    pub producer_name: String,
    #[prost(message, optional, tag = "7")]
    pub graph: Option<GraphProto>,
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSetIdProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct OperatorSetIdProto {
    #[prost(string, tag = "1")]
    pub domain: String,
    #[prost(int64, tag = "2")]
    pub version: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct GraphProto {
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<NodeProto>,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<TensorProto>,
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfoProto>,
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfoProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct NodeProto {
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    #[prost(string, tag = "3")]
    pub name: String,
    #[prost(string, tag = "4")]
    pub op_type: String,
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<AttributeProto>,
    #[prost(string, tag = "7")]
    pub domain: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AttributeProto {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(float, optional, tag = "2")]
    pub f: Option<f32>,
    #[prost(int64, optional, tag = "3")]
    pub i: Option<i64>,
    #[prost(bytes = "vec", optional, tag = "4")]
    pub s: Option<Vec<u8>>,
    #[prost(message, optional, tag = "5")]
    pub t: Option<TensorProto>,
    /// A branch of `If`.
    #[prost(message, optional, boxed, tag = "6")]
    pub g: Option<Box<GraphProto>>,
    #[prost(float, repeated, tag = "7")]
    pub floats: Vec<f32>,
    #[prost(int64, repeated, tag = "8")]
    pub ints: Vec<i64>,
    #[prost(bytes = "vec", repeated, tag = "9")]
    pub strings: Vec<Vec<u8>>,
    /// An `AttributeProto.AttributeType`.
    #[prost(int32, tag = "20")]
    pub r#type: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorProto {
    #[prost(int64, repeated, tag = "1")]
    pub dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    pub data_type: i32,
    #[prost(float, repeated, tag = "4")]
    pub float_data: Vec<f32>,
    #[prost(int32, repeated, tag = "5")]
    pub int32_data: Vec<i32>,
    #[prost(int64, repeated, tag = "7")]
    pub int64_data: Vec<i64>,
    #[prost(string, tag = "8")]
    pub name: String,
    #[prost(bytes = "vec", optional, tag = "9")]
    pub raw_data: Option<Vec<u8>>,
    #[prost(double, repeated, tag = "10")]
    pub double_data: Vec<f64>,
    #[prost(message, repeated, tag = "13")]
    pub external_data: Vec<StringStringEntryProto>,
    /// 0: in this message, 1: in another file.
    #[prost(int32, tag = "14")]
    pub data_location: i32,
}

impl TensorProto {
    /// Makes all its values 0.
    pub fn erase(&mut self) {
        self.float_data.fill(0.0);
        self.int32_data.fill(0);
        self.int64_data.fill(0);
        self.double_data.fill(0.0);
        self.raw_data.iter_mut().for_each(|data| data.fill(0));
    }
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct StringStringEntryProto {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(string, tag = "2")]
    pub value: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ValueInfoProto {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<TypeProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TypeProto {
    #[prost(message, optional, tag = "1")]
    pub tensor_type: Option<TensorTypeProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorTypeProto {
    #[prost(int32, tag = "1")]
    pub elem_type: i32,
    #[prost(message, optional, tag = "2")]
    pub shape: Option<TensorShapeProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorShapeProto {
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<DimensionProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct DimensionProto {
    #[prost(oneof = "Dimension", tags = "1, 2")]
    pub value: Option<Dimension>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Dimension {
    #[prost(int64, tag = "1")]
    Value(i64),
    #[prost(string, tag = "2")]
    Symbol(String),
}

/// `TensorProto.DataType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub(super) enum DataType {
    Undefined = 0,
    Float = 1,
    Uint8 = 2,
    Int8 = 3,
    Uint16 = 4,
    Int16 = 5,
    Int32 = 6,
    Int64 = 7,
    String = 8,
    Bool = 9,
    Float16 = 10,
    Double = 11,
    Uint32 = 12,
    Uint64 = 13,
    Bfloat16 = 16,
    Uint4 = 21,
    Int4 = 22,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file whose node has a branch, whose node has a branch, and so on.
    fn nested(depth: usize, innermost: GraphProto) -> Vec<u8> {
        let graph = (0..depth).fold(innermost, |graph, _| GraphProto {
            node: vec![NodeProto {
                attribute: vec![AttributeProto {
                    g: Some(Box::new(graph)),
                    ..AttributeProto::default()
                }],
                ..NodeProto::default()
            }],
            ..GraphProto::default()
        });
        ModelProto { graph: Some(graph), ..ModelProto::default() }.encode_to_vec()
    }

    #[test]
    fn names_in_branches_are_tamed() {
        let name = "\u{1b}[2J\n".repeat(100);
        let inner = GraphProto {
            node: vec![NodeProto { output: vec![name.clone()], ..NodeProto::default() }],
            ..GraphProto::default()
        };
        let mut file = decode(&nested(2, inner)).unwrap();
        let mut tame = name;
        Name::tame(&mut tame);
        assert!(file.names().any(|own| *own == tame));
        assert!(file.names().all(|own| own.len() <= tame.len() && !own.contains('\u{1b}')));
    }

    #[test]
    fn messages_in_branches_count() {
        let inner = GraphProto {
            node: vec![NodeProto::default(); limits::MAX_MESSAGES],
            ..GraphProto::default()
        };
        let error = decode(&nested(1, inner)).unwrap_err();
        assert!(matches!(error, ModelError::TooLarge { .. }), "{error}");
    }

    #[test]
    fn branches_that_lie_too_deep_are_refused() {
        assert!(decode(&nested(20, GraphProto::default())).is_ok());
        // Deep enough for the stack of whoever counts without an end. Written from the end, as each length is that of
        // what follows.
        let mut backwards = Vec::new();
        let mut within = |field: u8| {
            let mut key = vec![field << 3 | 2];
            prost::encode_length_delimiter(backwards.len(), &mut key).unwrap();
            backwards.extend(key.iter().rev());
        };
        for _ in 0..100_000 {
            [6, 5, 1].into_iter().for_each(&mut within);
        }
        within(7);
        backwards.reverse();
        let error = decode(&backwards).unwrap_err();
        assert!(matches!(error, ModelError::NotOnnx(_)), "{error}");
    }
}
