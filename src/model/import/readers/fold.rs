//! Constants that exporters compute in the graph, mostly shapes.

use std::rc::Rc;

use crate::model::import::{
    Constant, Data, Importer, NodeView, Value, constant,
    shape::{broadcast, broadcast_index},
};
use crate::model::{ElementType, ModelError, Quantization, limits};

/// `Constant`.
pub(in crate::model::import) fn constant(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let constant = if let Some(tensor) = node.tensor("value") {
        constant::decode(tensor, None)?
    } else if let Some(attribute) = node.attribute("value_float") {
        Constant::new(vec![], Data::Float(vec![attribute.f.unwrap_or(0.0)]))
    } else if let Some(value) = node.int("value_int") {
        Constant::new(vec![], Data::Int64(vec![value]))
    } else if let Some(attribute) = node.attribute("value_floats") {
        Constant::new(vec![attribute.floats.len()], Data::Float(attribute.floats.clone()))
    } else if let Some(values) = node.ints("value_ints") {
        Constant::new(vec![values.len()], Data::Int64(values.to_vec()))
    } else {
        return Err(node.unsupported("a constant of this type"));
    };
    importer.count_elements(node.name(), constant.len())?;
    Ok(vec![Value::Constant(Rc::new(constant))])
}

/// `ConstantOfShape`.
pub(in crate::model::import) fn constant_of_shape(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let shape = importer
        .constant(node, 0)?
        .integers()
        .ok_or_else(|| node.error("its shape is not made of integers"))?
        .iter()
        .map(|&dim| usize::try_from(dim).map_err(|_| node.error(format!("dimension {dim}"))))
        .collect::<Result<Vec<_>, _>>()?;
    let len = limits::elements(node.name(), &shape)?;
    importer.count_elements(node.name(), len)?;
    let value = match node.tensor("value") {
        None => Constant::new(vec![1], Data::Float(vec![0.0])),
        Some(tensor) => constant::decode(tensor, None)?,
    };
    if value.len() != 1 {
        return Err(node.error("its value is not one number"));
    }
    Ok(vec![Value::Constant(Rc::new(value.gather(shape, &vec![0; len])))])
}

/// `Shape(x)`: known, as all shapes are.
pub(in crate::model::import) fn shape(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.required(node, 0)?;
    let shape: Vec<i64> = importer
        .shape_of(node, &x)?
        .iter()
        .map(|&dim| i64::try_from(dim).expect("dimensions are within limits"))
        .collect();
    let rank = i64::try_from(shape.len()).expect("ranks are within limits");
    let bound = |name, default: i64| {
        let at = node.int(name).unwrap_or(default);
        let at = if at < 0 { at.saturating_add(rank) } else { at }.clamp(0, rank);
        usize::try_from(at).expect("it is clamped to the rank")
    };
    let (start, end) = (bound("start", 0), bound("end", rank));
    let shape = shape.get(start..end).unwrap_or_default().to_vec();
    let constant = Constant::new(vec![shape.len()], Data::Int64(shape));
    Ok(vec![Value::Constant(Rc::new(constant))])
}

/// `Size(x)`: known, as all shapes are.
pub(in crate::model::import) fn size(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.required(node, 0)?;
    let len: usize = importer.shape_of(node, &x)?.iter().product();
    let len = i64::try_from(len).expect("elements are within limits");
    Ok(vec![Value::Constant(Rc::new(Constant::new(vec![], Data::Int64(vec![len]))))])
}

/// `Cast` of constants, from float32 to float32, and of integers of 8 bits to the reals that they are.
pub(in crate::model::import) fn cast(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.required(node, 0)?;
    let to = node.int("to").ok_or_else(|| node.error("attribute `to` is missing"))?;
    match (&x, to) {
        (Value::Real(_), 1) => Ok(vec![x]),
        // Positions are whole numbers whatever they are called.
        (Value::Integers(tensor), 1 | 6 | 7)
            if importer.tensor(*tensor).quantization.element == ElementType::Int64 =>
        {
            Ok(vec![x])
        }
        // In float models integers are read as they come, and have no scale.
        (Value::Integers(tensor), 1) if !importer.is_float => {
            let element = importer.tensor(*tensor).quantization.element;
            let whole = Quantization { scale: 1.0, zero_point: 0, element };
            Ok(vec![Value::Real(importer.dequantized_activation(node, *tensor, whole)?)])
        }
        (Value::Constant(constant), 1) => {
            #[allow(clippy::cast_precision_loss)]
            let values = match &constant.data {
                Data::Float(_) => return Ok(vec![x]),
                Data::Half(values) => values.clone(),
                Data::Int64(values) => values.iter().map(|&value| value as f32).collect(),
                Data::Bool(values) => values.iter().map(|&v| f32::from(u8::from(v))).collect(),
                Data::Int4(values)
                | Data::Uint4(values)
                | Data::Int8(values)
                | Data::Uint8(values)
                | Data::Int32(values) => values.iter().map(|&value| value as f32).collect(),
            };
            let constant = Constant::new(constant.shape.clone(), Data::Float(values));
            Ok(vec![Value::Constant(Rc::new(constant))])
        }
        (Value::Constant(constant), 9) => {
            let values = match &constant.data {
                Data::Bool(_) => return Ok(vec![x]),
                Data::Float(values) | Data::Half(values) => {
                    values.iter().map(|&value| value != 0.0).collect()
                }
                Data::Int64(values) => values.iter().map(|&value| value != 0).collect(),
                Data::Int4(values)
                | Data::Uint4(values)
                | Data::Int8(values)
                | Data::Uint8(values)
                | Data::Int32(values) => values.iter().map(|&value| value != 0).collect(),
            };
            let constant = Constant::new(constant.shape.clone(), Data::Bool(values));
            Ok(vec![Value::Constant(Rc::new(constant))])
        }
        (Value::Constant(constant), 6 | 7) => {
            let values: Vec<i64> = match &constant.data {
                #[allow(clippy::cast_possible_truncation)]
                Data::Float(values) | Data::Half(values) => {
                    values.iter().map(|&value| value as i64).collect()
                }
                Data::Bool(values) => values.iter().map(|&value| value.into()).collect(),
                _ => constant.integers().unwrap_or_default(),
            };
            let data = if to == 7 {
                Data::Int64(values)
            } else {
                let values = values.iter().map(|&value| i32::try_from(value));
                Data::Int32(
                    values
                        .collect::<Result<_, _>>()
                        .map_err(|_| node.error("a value exceeds 32 bits"))?,
                )
            };
            Ok(vec![Value::Constant(Rc::new(Constant::new(constant.shape.clone(), data)))])
        }
        _ => Err(node.unsupported(format!("a cast to element type {to}"))),
    }
}

/// Arithmetic on two constant int64 or float32 tensors, `None` if they are not that.
pub(in crate::model::import) fn arithmetic(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Option<Value>, ModelError> {
    let (Some(Value::Constant(a)), Some(Value::Constant(b))) =
        (importer.optional(node, 0), importer.optional(node, 1))
    else {
        return Ok(None);
    };
    let shape = broadcast(node, &a.shape, &b.shape)?;
    let (a_index, b_index) = (broadcast_index(&a.shape, &shape), broadcast_index(&b.shape, &shape));
    importer.count_elements(node.name(), a_index.len())?;
    let data = match (&a.data, &b.data) {
        (Data::Int64(a), Data::Int64(b)) => {
            let apply = |a: i64, b: i64| match node.operator() {
                "Add" => a.checked_add(b),
                "Sub" => a.checked_sub(b),
                "Mul" => a.checked_mul(b),
                "Div" => a.checked_div(b),
                "Min" => Some(a.min(b)),
                "Max" => Some(a.max(b)),
                _ => None,
            };
            let values = a_index.iter().zip(&b_index).map(|(&i, &j)| apply(a[i], b[j]));
            Data::Int64(
                values
                    .collect::<Option<_>>()
                    .ok_or_else(|| node.unsupported("this arithmetic on constants"))?,
            )
        }
        (Data::Float(a), Data::Float(b)) => {
            let apply = |a: f32, b: f32| match node.operator() {
                "Add" => Some(a + b),
                "Sub" => Some(a - b),
                "Mul" => Some(a * b),
                "Div" => Some(a / b),
                "Pow" => Some(a.powf(b)),
                _ => None,
            };
            let values = a_index.iter().zip(&b_index).map(|(&i, &j)| apply(a[i], b[j]));
            Data::Float(
                values
                    .collect::<Option<_>>()
                    .ok_or_else(|| node.unsupported("this arithmetic on constants"))?,
            )
        }
        _ => return Ok(None),
    };
    Ok(Some(Value::Constant(Rc::new(Constant::new(shape, data)))))
}
