//! Attention and rotary embeddings of operator set 23, as products of matrices, functions and moved elements.

use super::{
    operators::TRUTHS,
    parts::{Parts, Shapes, Taken, dims, float_of, int, int_of, ints},
};
use crate::model::onnx::{DataType, NodeProto};

/// `softmax(cap(q·kᵀ·scale) + mask)·v`, of heads that are an axis or stand side by side in the last one; earlier keys and
/// values come before these. In which order, and which key is the last that a query sees, is as onnxruntime has it.
pub(super) fn attention(node: &NodeProto, shapes: &Shapes<'_>, parts: &mut Parts) -> Taken {
    has_only(
        node,
        &[
            "is_causal",
            "q_num_heads",
            "kv_num_heads",
            "left_window_size",
            "qk_matmul_output_mode",
            "right_window_size",
            "scale",
            "softcap",
            "softmax_precision",
        ],
    )?;
    let given = |index: usize| node.input.get(index).filter(|name| !name.is_empty());
    let out = |index: usize| node.output.get(index).filter(|name| !name.is_empty());
    if given(6).is_some() {
        return None;
    }
    let heads = [int_of(node, "q_num_heads", 0), int_of(node, "kv_num_heads", 0)];
    let q = by_head(given(0)?, heads[0], shapes, parts)?;
    let mut with_earlier = |index: usize| -> Option<Heads> {
        let mut own = by_head(given(index)?, heads[1], shapes, parts)?;
        if let Some(earlier) = given(index + 3) {
            own.shape[2] += shapes.of(earlier)?.get(2)?;
            own.name = parts.node("Concat", &[earlier, &own.name], vec![int("axis", 2)]);
        }
        if let Some(all) = out(index) {
            parts.named("Identity", &[&own.name], Vec::new(), all);
        }
        Some(own)
    };
    let [k, v] = [with_earlier(1)?, with_earlier(2)?];
    let (queries, keys) = (q.shape[2], k.shape[2]);
    let earlier =
        if given(4).is_some() { keys - shapes.of(given(1)?)?.iter().rev().nth(1)? } else { 0 };
    let ratio =
        q.shape[1].checked_div(k.shape[1]).filter(|ratio| ratio * k.shape[1] == q.shape[1])?;
    if k.shape[1] != v.shape[1] || k.shape[3] != q.shape[3] || v.shape[2] != keys {
        return None;
    }
    let mut repeated = |heads: &Heads| match ratio {
        1 => heads.name.clone(),
        _ => {
            let index: Vec<i64> = (0..)
                .take(heads.shape[1])
                .flat_map(|head| std::iter::repeat_n(head, ratio))
                .collect();
            let index = parts.integers(&index);
            parts.node("Gather", &[&heads.name, &index], vec![int("axis", 1)])
        }
    };
    let [k, values] = [repeated(&k), repeated(&v)];
    let k = parts.node("Transpose", &[&k], vec![ints("perm", vec![0, 1, 3, 2])]);
    let product = parts.node("MatMul", &[&q.name, &k], Vec::new());
    #[allow(clippy::cast_precision_loss)]
    let scale = float_of(node, "scale", 1.0 / (q.shape[3] as f32).sqrt());
    let scale = parts.floats(&[], &[scale]);
    let mut scores = parts.node("Mul", &[&product, &scale], Vec::new());
    let asked = out(3).map(|name| (name, int_of(node, "qk_matmul_output_mode", 0)));
    let give = |stage: i64, scores: &str, parts: &mut Parts| {
        if let Some((name, _)) = asked.filter(|(_, asked)| *asked == stage) {
            parts.named("Identity", &[scores], Vec::new(), name);
        }
    };
    give(0, &scores, parts);
    let cap = float_of(node, "softcap", 0.0);
    if cap != 0.0 {
        let cap = parts.floats(&[], &[cap]);
        let ratio = parts.node("Div", &[&scores, &cap], Vec::new());
        let within = parts.node("Tanh", &[&ratio], Vec::new());
        scores = parts.node("Mul", &[&within, &cap], Vec::new());
    }
    give(1, &scores, parts);
    let hidden = parts.floats(&[], &[f32::NEG_INFINITY]);
    if let Some(mask) = given(3) {
        let mut constants = shapes.file.graph.as_ref()?.initializer.iter();
        let constant = constants.find(|own| own.name == *mask);
        let is_truth = shapes.maker(mask).is_some_and(|own| TRUTHS.contains(&own.op_type.as_str()));
        let shape = match constant {
            Some(tensor) => shapes.constant_shape(&tensor.name)?,
            None => shapes.of(mask)?,
        };
        // A short mask hides what it does not reach, and that is left to whoever knows the rule.
        if shape.last() != Some(&keys) {
            return None;
        }
        scores = match constant {
            Some(own) if own.data_type == i32::from(DataType::Bool) => {
                parts.node("Where", &[mask, &scores, &hidden], Vec::new())
            }
            None if is_truth => {
                let [zero, lowest] = [0.0, f32::MIN].map(|value| parts.floats(&[], &[value]));
                let mask = parts.node("Where", &[mask, &zero, &lowest], Vec::new());
                parts.node("Add", &[&scores, &mask], Vec::new())
            }
            _ => parts.node("Add", &[&scores, mask], Vec::new()),
        };
    }
    // How many keys before its own place a query sees, and how many behind it.
    let [before, behind] = ["left_window_size", "right_window_size"]
        .map(|name| usize::try_from(int_of(node, name, -1)).unwrap_or(usize::MAX));
    let behind = if int_of(node, "is_causal", 0) != 0 { 0 } else { behind };
    if before.min(behind) < usize::MAX {
        let seen = (0..queries).flat_map(|query| {
            let own = query + earlier;
            (0..keys).map(move |key| {
                u8::from(own.saturating_sub(key) <= before && key.saturating_sub(own) <= behind)
            })
        });
        let seen = parts.truths(&[queries, keys], seen.collect());
        scores = parts.node("Where", &[&seen, &scores, &hidden], Vec::new());
    }
    give(2, &scores, parts);
    let shares = parts.node("Softmax", &[&scores], vec![int("axis", -1)]);
    give(3, &shares, parts);
    let y = node.output.first()?;
    if q.is_apart {
        parts.named("MatMul", &[&shares, &values], Vec::new(), y);
    } else {
        let sums = parts.node("MatMul", &[&shares, &values], Vec::new());
        let shape = [q.shape[0], q.shape[1], queries, v.shape[3]];
        side_by_side(parts, &sums, shape, y);
    }
    Some(vec![0])
}

/// Pairs of elements turned by an angle that constants give for their position: a convolution with a group for each pair
/// of each position, along the heads.
pub(super) fn rotary(node: &NodeProto, shapes: &Shapes<'_>, parts: &mut Parts) -> Taken {
    has_only(node, &["interleaved", "num_heads", "rotary_embedding_dim"])?;
    let (x, y) = (node.input.first()?, node.output.first()?);
    let all = by_head(x, int_of(node, "num_heads", 0), shapes, parts)?;
    let [batch, heads, length, width] = all.shape;
    let turned = match usize::try_from(int_of(node, "rotary_embedding_dim", 0)).ok()? {
        0 => width,
        some => some,
    };
    let half = turned / 2;
    if turned > width || turned % 2 != 0 || half == 0 {
        return None;
    }
    let places = match node.input.get(3).filter(|name| !name.is_empty()) {
        Some(name) => Some(shapes.integers(name)?),
        None => None,
    };
    let angles = |index: usize| -> Option<Vec<f32>> {
        let cache = shapes.constant(node.input.get(index)?)?;
        let rows: Vec<&[f32]> = cache.values.chunks(half).collect();
        let row = |place: &i64| rows.get(usize::try_from(*place).ok()?).copied();
        let rows = match &places {
            Some(places) => places.iter().map(row).collect::<Option<_>>()?,
            None => rows,
        };
        (cache.shape.last() == Some(&half) && rows.len() == batch * length).then(|| rows.concat())
    };
    let (cos, sin) = (angles(1)?, angles(2)?);
    let weights: Vec<f32> =
        cos.iter().zip(&sin).flat_map(|(&cos, &sin)| [cos, -sin, sin, cos]).collect();
    let pairs = batch * length * half;
    let weights = parts.floats(&[2 * pairs, 2, 1], &weights);

    let (mut x, mut rest) = (all.name.clone(), None);
    if turned < width {
        rest = Some(parts.slice(&x, 3, turned, width));
        x = parts.slice(&x, 3, 0, turned);
    }
    // The elements of a pair are neighbours, or half a head apart.
    let is_interleaved = int_of(node, "interleaved", 0) != 0;
    let (apart, there, back) = if is_interleaved {
        ([half, 2], vec![0, 2, 3, 4, 1], vec![0, 4, 1, 2, 3])
    } else {
        ([2, half], vec![0, 2, 4, 3, 1], vec![0, 4, 1, 3, 2])
    };
    let x = parts.reshape(&x, &[batch, heads, length, apart[0], apart[1]]);
    let x = parts.node("Transpose", &[&x], vec![ints("perm", there)]);
    let x = parts.reshape(&x, &[1, 2 * pairs, heads]);
    let groups = int("group", i64::try_from(pairs).ok()?);
    let x = parts.node("Conv", &[&x, &weights], vec![groups]);
    let x = parts.reshape(&x, &[batch, length, half, 2, heads]);
    let x = parts.node("Transpose", &[&x], vec![ints("perm", back)]);
    let mut x = parts.reshape(&x, &[batch, heads, length, turned]);
    if let Some(rest) = rest {
        x = parts.node("Concat", &[&x, &rest], vec![int("axis", 3)]);
    }
    if all.is_apart {
        parts.named("Identity", &[&x], Vec::new(), y);
    } else {
        side_by_side(parts, &x, all.shape, y);
    }
    Some(vec![0])
}

/// Nothing, if a node has an attribute that is none of these: it may mean anything.
fn has_only(node: &NodeProto, known: &[&str]) -> Option<()> {
    node.attribute.iter().all(|own| known.contains(&own.name.as_str())).then_some(())
}

/// `[batch][heads][length][width]`
struct Heads {
    name: String,
    shape: [usize; 4],
    /// Whether they were an axis of their own.
    is_apart: bool,
}

fn by_head(x: &str, heads: i64, shapes: &Shapes<'_>, parts: &mut Parts) -> Option<Heads> {
    match shapes.of(x)?[..] {
        [batch, heads, length, width] => {
            Some(Heads { name: x.to_owned(), shape: [batch, heads, length, width], is_apart: true })
        }
        [batch, length, all] => {
            let heads = usize::try_from(heads).ok().filter(|&heads| heads > 0)?;
            let width = all.checked_div(heads).filter(|width| width * heads == all)?;
            let x = parts.reshape(x, &[batch, length, heads, width]);
            let name = parts.node("Transpose", &[&x], vec![ints("perm", vec![0, 2, 1, 3])]);
            Some(Heads { name, shape: [batch, heads, length, width], is_apart: false })
        }
        _ => None,
    }
}

/// Heads back in the last axis.
fn side_by_side(parts: &mut Parts, x: &str, [batch, heads, length, width]: [usize; 4], y: &str) {
    let x = parts.node("Transpose", &[x], vec![ints("perm", vec![0, 2, 1, 3])]);
    let shape = dims(&[batch, length, heads * width]);
    let shape = parts.integers(&shape);
    parts.named("Reshape", &[&x, &shape], Vec::new(), y);
}
