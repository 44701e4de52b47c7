//! One ONNX node, with checked access to its attributes.

use crate::model::{
    ModelError, Unsupported,
    onnx::{AttributeProto, NodeProto, TensorProto},
};
use crate::name::Name;

/// A node of the file, under a name that messages can use.
#[derive(Clone, Copy)]
pub(super) struct NodeView<'a> {
    pub proto: &'a NodeProto,
}

impl<'a> NodeView<'a> {
    pub fn new(proto: &'a NodeProto) -> Self {
        Self { proto }
    }

    /// The node's name, or that of its first output.
    pub fn name(self) -> &'a str {
        if !self.proto.name.is_empty() {
            return &self.proto.name;
        }
        self.proto.output.iter().find(|name| !name.is_empty()).map_or("(unnamed)", |name| name)
    }

    pub fn operator(self) -> &'a str {
        &self.proto.op_type
    }

    /// The operator with its domain, if that is not ONNX's own.
    pub fn qualified_operator(self) -> String {
        match self.proto.domain.as_str() {
            "" | "ai.onnx" => self.proto.op_type.clone(),
            domain => format!("{domain}.{}", self.proto.op_type),
        }
    }

    /// The name of an input, `None` if it is left out.
    pub fn input(self, index: usize) -> Option<&'a str> {
        self.proto.input.get(index).map(String::as_str).filter(|name| !name.is_empty())
    }

    pub fn error(self, reason: impl Into<String>) -> ModelError {
        ModelError::Node {
            node: self.name().to_owned(),
            operator: self.qualified_operator(),
            reason: reason.into(),
        }
    }

    /// Something about the node that ONNX allows and this crate does not support.
    pub fn unsupported(self, reason: impl Into<String>) -> ModelError {
        ModelError::Unsupported(vec![Unsupported {
            node: self.name().to_owned(),
            operator: self.qualified_operator(),
            reason: Some(reason.into()),
        }])
    }

    pub fn attribute(self, name: &str) -> Option<&'a AttributeProto> {
        self.proto.attribute.iter().find(|attribute| attribute.name == name)
    }

    pub fn int(self, name: &str) -> Option<i64> {
        self.attribute(name).map(|attribute| attribute.i.unwrap_or(0))
    }

    pub fn flag(self, name: &str) -> bool {
        self.int(name).unwrap_or(0) != 0
    }

    pub fn float(self, name: &str, default: f32) -> Result<f32, ModelError> {
        let value = self.attribute(name).map_or(default, |attribute| attribute.f.unwrap_or(0.0));
        if value.is_finite() {
            Ok(value)
        } else {
            Err(self.error(format!("attribute `{name}` is {value}")))
        }
    }

    pub fn ints(self, name: &str) -> Option<&'a [i64]> {
        self.attribute(name).map(|attribute| attribute.ints.as_slice())
    }

    /// A text, which is one that messages can show: those of operators are words.
    pub fn string(self, name: &str) -> Result<Option<&'a str>, ModelError> {
        let Some(attribute) = self.attribute(name) else { return Ok(None) };
        let text = std::str::from_utf8(attribute.s.as_deref().unwrap_or_default())
            .map_err(|_| self.error(format!("attribute `{name}` is not text")))?;
        let shown = Name::new(text);
        if shown.as_str() != text {
            return Err(self.error(format!("attribute `{name}` is `{shown}`")));
        }
        Ok(Some(text))
    }

    pub fn tensor(self, name: &str) -> Option<&'a TensorProto> {
        self.attribute(name).and_then(|attribute| attribute.t.as_ref())
    }

    /// An axis attribute or input, counted from the end if negative.
    pub fn resolve_axis(self, axis: i64, rank: usize) -> Result<usize, ModelError> {
        let signed = i64::try_from(rank).expect("ranks are limited to 16");
        let from_start = if axis < 0 { axis.checked_add(signed) } else { Some(axis) };
        from_start
            .and_then(|axis| usize::try_from(axis).ok())
            .filter(|&axis| axis < rank)
            .ok_or_else(|| self.error(format!("axis {axis} of a tensor of rank {rank}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_no_message_can_show_are_refused_and_not_shown() {
        let node = |text: &str| {
            let (name, s) = ("mode".into(), Some(text.as_bytes().to_vec()));
            let attribute = vec![AttributeProto { name, s, ..AttributeProto::default() }];
            NodeProto { attribute, ..NodeProto::default() }
        };
        let known = node("linear");
        assert_eq!(NodeView::new(&known).string("mode").expect("a word"), Some("linear"));
        for text in ["linear\nvalid", "\u{1b}[2J", "x".repeat(1 << 20).as_str()] {
            let hostile = node(text);
            let error = NodeView::new(&hostile).string("mode").expect_err("no word").to_string();
            assert!(error.len() < 1000 && !error.contains(char::is_control), "{error}");
        }
    }
}
