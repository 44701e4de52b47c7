//! What comes before and after a classic model: missing values filled in, categories, labels.

use std::rc::Rc;

use crate::model::import::{
    Importer, NodeView, RealKind, Value, expression::Categories, ports::InputKind,
};
use crate::model::{Code, ElementType, ModelError, limits};

/// Each takes two bits of each element.
const MOST_CATEGORIES: usize = 4096;

/// `Imputer(X)`, for missing values that are NaN.
pub(in crate::model::import) fn imputer(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.real_input(node, 0)?;
    let shape = importer.real(x).shape.clone();
    let own = |name: &str| node.attribute(name);
    if !own("replaced_value_float").and_then(|own| own.f).unwrap_or(0.0).is_nan() {
        return Err(node.unsupported("replacing a value other than NaN"));
    }
    let values = own("imputed_value_floats").map(|own| own.floats.as_slice()).unwrap_or_default();
    let fits = values.len() == 1 || shape == [1, values.len()];
    if !fits || values.iter().any(|value| !value.is_finite()) {
        let got = values.len();
        return Err(node.unsupported(format!("{got} values for an input of shape {shape:?}")));
    }
    let kind = RealKind::Filled(x, values.into());
    Ok(vec![Value::Real(importer.expression(node, shape, kind, &[x])?)])
}

/// `OneHotEncoder(X)`: what is none of the categories has none.
pub(in crate::model::import) fn one_hot(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.real_input(node, 0)?;
    let names = node.attribute("cats_strings").map(|own| own.strings.as_slice());
    let numbers = node.ints("cats_int64s").unwrap_or_default();
    // Of a text or whole number, which are compared with nothing else.
    let input = match importer.prepared_input(x) {
        Some((input, _)) if importer.inputs[input].kind != InputKind::Number => Some(input),
        _ => None,
    };
    let names = names.unwrap_or_default();
    let categories = match input.map(|input| (input, importer.inputs[input].kind)) {
        None if names.is_empty() => {
            #[allow(clippy::cast_precision_loss)]
            let numbers: Vec<f32> = numbers.iter().map(|&number| number as f32).collect();
            Categories::Numbers(numbers)
        }
        None => return Err(node.unsupported("names of what is no text input of the model")),
        Some((input, kind)) => {
            let own = match kind {
                InputKind::Text => {
                    let name = |name: &Vec<u8>| String::from_utf8_lossy(name).into_owned();
                    Code::Category(names.iter().map(name).collect())
                }
                _ if (0..).zip(numbers).all(|(position, &number)| position == number) => {
                    Code::Whole(numbers.len())
                }
                _ => return Err(node.unsupported("whole numbers other than 0, 1, 2, …")),
            };
            let count = if kind == InputKind::Text { names.len() } else { numbers.len() };
            if *importer.inputs[input].categories.get_or_insert_with(|| own.clone()) != own {
                return Err(node.unsupported("an input with other categories elsewhere"));
            }
            Categories::Positions(count)
        }
    };
    let count = categories.len();
    if !(1..=MOST_CATEGORIES).contains(&count) {
        let reason = format!("{count} categories: there may be 1 to {MOST_CATEGORIES}");
        return Err(node.unsupported(reason));
    }
    let mut shape = importer.real(x).shape.clone();
    shape.push(count);
    limits::elements(node.name(), &shape)?;
    let kind = RealKind::OneHot(x, Rc::new(categories));
    Ok(vec![Value::Real(importer.expression(node, shape, kind, &[x])?)])
}

/// `LabelEncoder(X)`, from the positions 0, 1, 2, … to labels: they stay positions, and the output tells the labels.
pub(in crate::model::import) fn label_encoder(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.required(node, 0)?;
    let Value::Integers(tensor) = &x else {
        return Err(node.unsupported("labels of what is no position"));
    };
    let keys = node.ints("keys_int64s").unwrap_or_default();
    let texts = node.attribute("values_strings").map(|own| own.strings.as_slice());
    let labels: Vec<String> = match texts {
        Some(texts) => {
            texts.iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect()
        }
        None => {
            let numbers = node.ints("values_int64s").unwrap_or_default();
            numbers.iter().map(ToString::to_string).collect()
        }
    };
    let is_plain = (0..).zip(keys).all(|(position, &key)| position == key);
    let is_position = importer.tensor(*tensor).quantization.element == ElementType::Int64;
    if !is_plain || !is_position || labels.is_empty() || labels.len() != keys.len() {
        return Err(node.unsupported("keys other than the positions 0, 1, 2, …"));
    }
    importer.labels.insert(*tensor, labels);
    Ok(vec![x])
}
