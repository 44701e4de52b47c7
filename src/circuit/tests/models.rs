//! Small models of every operator, with random weights.

use crate::model::{
    Add, AddOrder, Conv, ConvTranspose, ElementType, Gemm, Graph, MatMul, MaxPool, Mean, Model,
    Mul, Node, Operand, Operator, Origin, Port, Quantization, Reduce, ReduceMax, Requantization,
    Rescale, Table, Tables, Tensor, TensorId, View, ViewElement, Window,
};

/// A tensor by a name.
pub fn port(name: &str, tensor: TensorId) -> Port {
    Port { name: name.into(), tensor, is_float: false, preparation: None, labels: Vec::new() }
}

/// A model of operators, each of the result of the one before.
pub fn chain(tensors: Vec<Tensor>, operators: Vec<Operator>) -> Model {
    let last = TensorId(operators.len());
    let nodes = operators.into_iter().enumerate().map(|(index, operator)| Node {
        name: format!("node{index}"),
        operator,
        inputs: vec![TensorId(index)],
        output: TensorId(index + 1),
        origin: Origin::default(),
    });
    Model {
        name: "test".into(),
        inputs: vec![port("x", TensorId(0))],
        outputs: vec![port("y", last)],
        graph: Graph { tensors, nodes: nodes.collect() },
    }
}

/// A model in the making: tensors in the order in which they are made.
pub struct Builder {
    tensors: Vec<Tensor>,
    nodes: Vec<Node>,
    seed: u64,
}

impl Builder {
    /// A model that takes a tensor of this shape.
    pub fn new(seed: u64, shape: &[usize]) -> Self {
        let mut builder = Self { tensors: Vec::new(), nodes: Vec::new(), seed };
        builder.tensor(shape, -7, ElementType::Int8);
        builder
    }

    /// Another input.
    pub fn input(&mut self, shape: &[usize], element: ElementType) -> TensorId {
        self.tensor(shape, 9, element)
    }

    fn tensor(&mut self, shape: &[usize], zero_point: i32, element: ElementType) -> TensorId {
        self.tensors.push(Tensor {
            name: format!("t{}", self.tensors.len()),
            shape: shape.to_vec(),
            quantization: Quantization { scale: 0.05, zero_point, element },
        });
        TensorId(self.tensors.len() - 1)
    }

    /// A random integer between −range and range.
    pub fn random(&mut self, range: i64) -> i32 {
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i32::try_from((self.seed >> 33) as i64 % (2 * range + 1) - range).expect("a small number")
    }

    fn weights(&mut self, count: usize) -> Vec<i32> {
        (0..count).map(|_| self.random(127)).collect()
    }

    /// Adds an operator; the output is int8.
    pub fn node(&mut self, operator: Operator, inputs: &[TensorId], shape: &[usize]) -> TensorId {
        let zero_point = match &operator {
            Operator::View(_) | Operator::MaxPool(_) | Operator::ReduceMax(_) => {
                self.tensors[inputs[0].0].quantization.zero_point
            }
            _ => 11,
        };
        let output = self.tensor(shape, zero_point, ElementType::Int8);
        self.nodes.push(Node {
            name: format!("node{}", self.nodes.len()),
            operator,
            inputs: inputs.to_vec(),
            output,
            origin: Origin::default(),
        });
        output
    }

    /// Other weights and biases, of all layers one after the other.
    pub fn set_weights(&mut self, weights: &[i32]) {
        let Self { tensors, nodes, seed } = std::mem::replace(self, Self::new(0, &[1]));
        let last = TensorId(tensors.len() - 1);
        let graph = Graph { tensors, nodes };
        let model =
            Model { name: String::new(), inputs: vec![], outputs: vec![port("y", last)], graph };
        let Graph { tensors, nodes } = model.with_weights(weights).expect("as many").graph;
        *self = Self { tensors, nodes, seed };
    }

    /// The last tensor.
    pub fn last(&self) -> TensorId {
        TensorId(self.tensors.len() - 1)
    }

    /// The model, with the last tensor as its output.
    pub fn model(self) -> Model {
        let last = self.last();
        Model {
            name: "test".into(),
            inputs: vec![port("x", TensorId(0))],
            outputs: vec![port("y", last)],
            graph: Graph { tensors: self.tensors, nodes: self.nodes },
        }
    }

    fn shape(&self, tensor: TensorId) -> Vec<usize> {
        self.tensors[tensor.0].shape.clone()
    }

    /// `[1, channels, height, width]` → a convolution with int8 outputs.
    pub fn conv(
        &mut self,
        x: TensorId,
        (outputs, group): (usize, usize),
        kernel: [usize; 2],
        (strides, dilations, pads): ([usize; 2], [usize; 2], [usize; 2]),
        multipliers: Vec<f32>,
    ) -> TensorId {
        let shape = self.shape(x);
        let window = window([shape[2], shape[3]], kernel, strides, dilations, pads);
        let output = window.output;
        let operator = Operator::Conv(Conv {
            batch: shape[0],
            inputs: shape[1],
            outputs,
            group,
            weights: self.weights(outputs * shape[1] / group * kernel[0] * kernel[1]),
            bias: (0..outputs).map(|_| self.random(3000)).collect(),
            window,
            requantization: requantization(multipliers),
        });
        self.node(operator, &[x], &[shape[0], outputs, output[0], output[1]])
    }

    /// A transposed convolution with stride 2.
    pub fn conv_transpose(&mut self, x: TensorId, outputs: usize) -> TensorId {
        let shape = self.shape(x);
        let plane = [2 * shape[2] - 1, 2 * shape[3] - 1];
        let window = window(plane, [3, 3], [2, 2], [1, 1], [1, 1]);
        assert_eq!(window.output, [shape[2], shape[3]]);
        let operator = Operator::ConvTranspose(ConvTranspose {
            batch: shape[0],
            inputs: shape[1],
            outputs,
            group: 1,
            weights: self.weights(outputs * shape[1] * 9),
            bias: (0..outputs).map(|_| self.random(3000)).collect(),
            window,
            requantization: requantization(vec![0.001_347]),
        });
        self.node(operator, &[x], &[shape[0], outputs, plane[0], plane[1]])
    }

    /// A dense layer over the last axis.
    pub fn gemm(&mut self, x: TensorId, outputs: usize, multipliers: Vec<f32>) -> TensorId {
        let mut shape = self.shape(x);
        let inputs = *shape.last().expect("a tensor has an axis");
        let operator = Operator::Gemm(Gemm {
            inputs,
            outputs,
            weights: self.weights(inputs * outputs),
            bias: (0..outputs).map(|_| self.random(3000)).collect(),
            requantization: requantization(multipliers),
        });
        *shape.last_mut().expect("as above") = outputs;
        self.node(operator, &[x], &shape)
    }

    /// A sum of two tensors.
    pub fn add(&mut self, a: TensorId, b: TensorId, scales: [f32; 2]) -> TensorId {
        let operator = Operator::Add(Add {
            operand: Operand::Tensor,
            left: scales[0],
            right: scales[1],
            fixed: 4.0,
            order: AddOrder::LeftLast,
            min: -128,
            max: 127,
        });
        let shape = self.shape(a);
        self.node(operator, &[a, b], &shape)
    }

    /// A product of two tensors, or with constants.
    pub fn mul(&mut self, inputs: &[TensorId], multiplier: f32) -> TensorId {
        let count = self.shape(inputs[0]).iter().product();
        let operand = match inputs {
            [_] => Operand::Constant((0..count).map(|i: usize| i as i32 % 3 - 1).collect()),
            _ => Operand::Tensor,
        };
        self.product(inputs, operand, multiplier)
    }

    /// A product with a constant for each element.
    pub fn mul_by(&mut self, x: TensorId, constants: Vec<i32>, multiplier: f32) -> TensorId {
        self.product(&[x], Operand::Constant(constants), multiplier)
    }

    fn product(&mut self, inputs: &[TensorId], operand: Operand, multiplier: f32) -> TensorId {
        let shape = self.shape(inputs[0]);
        let operand_zero_point =
            inputs.get(1).map_or(0, |b| self.tensors[b.0].quantization.zero_point);
        let operator = Operator::Mul(Mul {
            operand,
            operand_zero_point,
            multiplier,
            zero_point: 11,
            min: -128,
            max: 127,
        });
        self.node(operator, inputs, &shape)
    }

    /// `[batch, rows, inner] · [batch, inner, columns]`.
    pub fn mat_mul(&mut self, a: TensorId, b: TensorId) -> TensorId {
        let (left, right) = (self.shape(a), self.shape(b));
        let operator = Operator::MatMul(MatMul {
            batch: left[0],
            rows: left[1],
            inner: left[2],
            columns: right[2],
            requantization: requantization(vec![0.003_1]),
        });
        self.node(operator, &[a, b], &[left[0], left[1], right[2]])
    }

    /// The largest of each window.
    pub fn max_pool(
        &mut self,
        x: TensorId,
        kernel: [usize; 2],
        strides: [usize; 2],
        pads: [usize; 2],
    ) -> TensorId {
        let shape = self.shape(x);
        let window = window([shape[2], shape[3]], kernel, strides, [1, 1], pads);
        let output = window.output;
        let operator = Operator::MaxPool(MaxPool { planes: shape[0] * shape[1], window });
        self.node(operator, &[x], &[shape[0], shape[1], output[0], output[1]])
    }

    /// The mean over all positions of a channel.
    pub fn global_mean(&mut self, x: TensorId) -> TensorId {
        let shape = self.shape(x);
        let length = shape[2] * shape[3];
        let mean = Mean {
            scale: 0.05,
            output_scale: 0.031,
            zero_point: 11,
            round_last: true,
            min: -128,
            max: 127,
        };
        let operator = Operator::Reduce(Reduce {
            outer: shape[0] * shape[1],
            length,
            inner: 1,
            rescale: Rescale::Mean(mean, length),
        });
        self.node(operator, &[x], &[shape[0], shape[1]])
    }

    /// The largest along the first of two axes.
    pub fn reduce_max(&mut self, x: TensorId) -> TensorId {
        let shape = self.shape(x);
        let operator =
            Operator::ReduceMax(ReduceMax { outer: 1, length: shape[0], inner: shape[1] });
        self.node(operator, &[x], &[shape[1]])
    }

    /// A function of each element.
    pub fn table(&mut self, x: TensorId) -> TensorId {
        let shape = self.shape(x);
        let values = (-128..128).map(|x: i32| x * x / 129 - 60).collect();
        self.node(Operator::Table(Table { values }), &[x], &shape)
    }

    /// Two functions by turns.
    pub fn tables(&mut self, x: TensorId) -> TensorId {
        let shape = self.shape(x);
        let count: usize = shape.iter().product();
        let table =
            |slope: i32| Table { values: (-128..128).map(|x: i32| x * slope / 3).collect() };
        let operator = Operator::Tables(Tables {
            tables: vec![table(1), table(-2)],
            selector: (0..count).map(|i| (i % 2) as u32).collect(),
        });
        self.node(operator, &[x], &shape)
    }

    /// The same elements under another shape.
    pub fn reshape(&mut self, x: TensorId, shape: &[usize]) -> TensorId {
        self.node(Operator::View(View::Reshape), &[x], shape)
    }

    /// Elements of tensors (or constants, where no tensor is named) in another order.
    pub fn view(
        &mut self,
        inputs: &[TensorId],
        elements: Vec<(Option<u32>, i32)>,
        shape: &[usize],
    ) -> TensorId {
        let element = |(input, value): (Option<u32>, i32)| match input {
            Some(input) => ViewElement::Input { input, index: value as u32 },
            None => ViewElement::Constant(value),
        };
        let elements = elements.into_iter().map(element).collect();
        self.node(Operator::View(View::Elements(elements)), inputs, shape)
    }

    /// Rows and columns exchanged.
    pub fn transpose(&mut self, x: TensorId) -> TensorId {
        let shape = self.shape(x);
        let (rows, columns) = (shape[shape.len() - 2], shape[shape.len() - 1]);
        let batch: usize = shape[..shape.len() - 2].iter().product();
        let elements = (0..batch * rows * columns).map(|i| {
            let (n, rest) = (i / (rows * columns), i % (rows * columns));
            let (column, row) = (rest / rows, rest % rows);
            (Some(0), ((n * rows + row) * columns + column) as i32)
        });
        let mut shape = shape.clone();
        let last = shape.len() - 1;
        shape.swap(last - 1, last);
        self.view(&[x], elements.collect(), &shape)
    }
}

fn requantization(multipliers: Vec<f32>) -> Requantization {
    Requantization { multipliers, zero_point: 11, min: -128, max: 127 }
}

fn window(
    input: [usize; 2],
    kernel: [usize; 2],
    strides: [usize; 2],
    dilations: [usize; 2],
    pads: [usize; 2],
) -> Window {
    let output = [0, 1].map(|axis| {
        (input[axis] + 2 * pads[axis] - dilations[axis] * (kernel[axis] - 1) - 1) / strides[axis]
            + 1
    });
    Window { input, output, kernel, strides, dilations, pads }
}

/// Slopes that lines fit, one per channel.
pub fn slopes(channels: usize) -> Vec<f32> {
    (0..channels).map(|channel| 0.001_134_7 + 0.000_113_31 * channel as f32).collect()
}

/// A slope whose ties alternate, which no line fits.
pub const NO_LINE: f32 = 1.0 / 512.0;

/// Models that have every operator between them, by name.
pub fn all() -> Vec<(&'static str, Model)> {
    let plain = ([1, 1], [1, 1], [0, 0]);
    let mut models = Vec::new();
    let mut add = |name, shape: &[usize], build: &dyn Fn(&mut Builder, TensorId)| {
        let mut builder = Builder::new(models.len() as u64 + 1, shape);
        build(&mut builder, TensorId(0));
        models.push((name, builder.model()));
    };
    add("conv", &[1, 2, 5, 6], &|b, x| {
        b.conv(x, (3, 1), [3, 3], ([1, 1], [1, 1], [1, 1]), slopes(3));
    });
    add("strided conv", &[1, 2, 7, 6], &|b, x| {
        b.conv(x, (2, 1), [3, 2], ([2, 3], [1, 1], [1, 0]), slopes(2));
    });
    add("dilated conv", &[1, 1, 7, 7], &|b, x| {
        b.conv(x, (2, 1), [3, 3], ([1, 1], [2, 2], [2, 2]), vec![0.002_31]);
    });
    add("strided dilated conv", &[1, 1, 9, 8], &|b, x| {
        b.conv(x, (1, 1), [2, 3], ([2, 2], [2, 3], [1, 2]), vec![0.002_31]);
    });
    add("grouped and depthwise conv", &[1, 4, 4, 4], &|b, x| {
        let grouped = b.conv(x, (4, 2), [3, 3], ([1, 1], [1, 1], [1, 1]), slopes(4));
        b.conv(grouped, (4, 4), [2, 2], ([2, 2], [1, 1], [0, 0]), slopes(4));
    });
    add("conv in one dimension, batch of two", &[2, 2, 1, 9], &|b, x| {
        b.conv(x, (2, 1), [1, 3], ([1, 2], [1, 1], [0, 1]), slopes(2));
    });
    add("transposed conv", &[1, 2, 3, 3], &|b, x| {
        b.conv_transpose(x, 2);
    });
    add("residual", &[1, 2, 4, 4], &|b, x| {
        let stem = b.conv(x, (2, 1), [1, 1], plain, slopes(2));
        let branch = b.conv(stem, (2, 1), [3, 3], ([1, 1], [1, 1], [1, 1]), slopes(2));
        let sum = b.add(stem, branch, [0.713_2, 0.391_7]);
        let flat = b.conv(sum, (2, 1), [1, 1], ([2, 2], [1, 1], [0, 0]), slopes(2));
        let mean = b.global_mean(flat);
        b.gemm(mean, 3, slopes(3));
    });
    add("sum of a tensor with itself", &[6], &|b, x| {
        b.add(x, x, [0.4, -0.3]);
    });
    add("pools", &[1, 2, 5, 5], &|b, x| {
        let overlapping = b.max_pool(x, [3, 3], [2, 2], [1, 1]);
        b.max_pool(overlapping, [2, 2], [1, 1], [0, 0]);
    });
    add("conv, pool, flatten, dense", &[1, 1, 6, 6], &|b, x| {
        let conv = b.conv(x, (2, 1), [3, 3], ([1, 1], [1, 1], [1, 1]), vec![NO_LINE]);
        let pool = b.max_pool(conv, [2, 2], [2, 2], [0, 0]);
        let flat = b.reshape(pool, &[1, 18]);
        b.gemm(flat, 4, slopes(4));
    });
    add("attention", &[4, 6], &|b, x| {
        let [q, k, v] = [6, 6, 6].map(|outputs| b.gemm(x, outputs, vec![0.002_7]));
        let keys = b.transpose(k);
        let [q, keys, v] = [(q, [1, 4, 6]), (keys, [1, 6, 4]), (v, [1, 4, 6])]
            .map(|(tensor, shape)| b.reshape(tensor, &shape));
        let scores = b.mat_mul(q, keys);
        let mixed = b.mat_mul(scores, v);
        let mixed = b.reshape(mixed, &[4, 6]);
        b.add(mixed, x, [0.81, 0.63]);
    });
    add("two matrix products at once", &[2, 3, 4], &|b, x| {
        let turned = b.transpose(x);
        b.mat_mul(x, turned);
    });
    add("products of elements", &[5], &|b, x| {
        let table = b.table(x);
        let product = b.mul(&[x, table], 0.013);
        b.mul(&[product], 0.9);
    });
    add("tables", &[6], &|b, x| {
        let two = b.tables(x);
        b.table(two);
    });
    add("a fused table", &[1, 6], &|b, x| {
        let dense = b.gemm(x, 3, slopes(3));
        b.table(dense);
    });
    add("views", &[3, 4], &|b, x| {
        let turned = b.transpose(x);
        let joined = (0..12).map(|i| (Some(0), i)).chain((0..4).map(|i| (None, i * 30 - 60)));
        let joined = joined.chain((0..8).map(|i| (Some(1), i)));
        let joined = b.view(&[turned, x], joined.collect(), &[6, 4]);
        let largest = b.reduce_max(joined);
        let padded = (0..4).map(|i| (Some(0), i)).chain([(None, -9), (None, 100)]);
        let padded = b.view(&[largest], padded.collect(), &[1, 6]);
        b.gemm(padded, 2, slopes(2));
    });
    add("sum whose ties alternate", &[6], &|b, x| {
        let table = b.table(x);
        b.add(x, table, [0.5, -0.25]);
    });
    add("products with many constants", &[9], &|b, x| {
        b.mul_by(x, (0..9).map(|i| 20 + 9 * i).collect(), 0.013);
    });
    add("elements that are read unevenly", &[1, 6], &|b, x| {
        let often = (0..20).map(|i| if i % 3 == 0 { i / 3 % 6 } else { 1 });
        let read = b.view(&[x], often.map(|i| (Some(0), i)).collect(), &[1, 20]);
        let tables = b.tables(read);
        b.gemm(tables, 2, slopes(2));
    });
    models
}
