//! Instances of a model's parts.

use super::{InstanceLayout, InstancePort, InstanceTensor};
use crate::model::{Model, Part, Port, Visibility};

impl InstanceLayout {
    /// The instances of one part of a model that has these: the model's inputs are told as they are by the first part, outputs and
    /// claims by the last, and what crosses cuts is committed.
    pub fn of_part(&self, part: &Part, parts: usize, number: usize) -> Self {
        let committed = |model: &Model, ports: &[Port]| {
            let port = |port| InstancePort {
                tensor: InstanceTensor::of_port(model, port),
                visibility: Visibility::Committed,
            };
            ports.iter().map(port).collect()
        };
        let mut layout = self.clone();
        if number > 0 {
            layout.inputs = committed(&part.model, &part.model.inputs);
        }
        if number + 1 < parts {
            layout.outputs = committed(&part.model, &part.model.outputs);
            layout.claims = Vec::new();
        }
        layout
    }
}
