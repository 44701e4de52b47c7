//! Of the library that `ZKVERDICT_CUDA` names, or of the same source compiled for this processor.

use super::*;
use crate::columns::Column;
use crate::device::tests::Setup;
use crate::engine;
use crate::field::Arithmetic;
use halo2_proofs::halo2curves::group::Curve;
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::io::ErrorKind;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

/// Whether there is a device to test: larger sizes take long without.
fn on_a_device() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// Loads what a C++ compiler makes of a source; nothing, and says so, where there is none.
fn compiled(name: &str, source: &Path) -> Option<Result<Functions, String>> {
    let to = std::env::temp_dir().join(format!("zkverdict-{}-{name}.so", std::process::id()));
    let flags = "-x c++ -std=c++17 -O2 -Wall -Wextra -Wno-unknown-pragmas -Werror -shared -fPIC -o";
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    let mut command = Command::new(compiler);
    match command.args(flags.split(' ')).arg(&to).arg(source).status() {
        Ok(status) => assert!(status.success(), "the compiler refuses {}", source.display()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            eprintln!("nothing is tested, as there is no C++ compiler");
            return None;
        }
        Err(error) => panic!("the compiler does not start: {error}"),
    }
    let functions = Functions::load(to.as_os_str());
    std::fs::remove_file(to).expect("it was just made");
    Some(functions)
}

/// The library; of its source, if none is named.
fn loaded() -> Option<&'static Functions> {
    static EMULATED: OnceLock<Option<Functions>> = OnceLock::new();
    if on_a_device() {
        return Some(functions().unwrap_or_else(|why| panic!("{why}")));
    }
    let make = || {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("cuda/library.cu");
        Some(compiled("emulated", &source)?.expect("it is this version's"))
    };
    EMULATED.get_or_init(make).as_ref()
}

/// Points without a pattern.
fn distinct(count: usize, rng: &mut StdRng) -> Vec<G1Affine> {
    let some: Vec<G1Affine> = (0..64).map(|_| G1Affine::random(&mut *rng)).collect();
    let mut sums: Vec<G1> = Vec::with_capacity(count);
    for index in 0..count {
        let next = match index {
            0..64 => some[index].to_curve(),
            _ => sums[index - 1] + some[index * 7 % 64],
        };
        sums.push(next);
    }
    let mut points = vec![G1Affine::identity(); count];
    G1::batch_normalize(&sums, &mut points);
    points
}

/// Points of which some are equal, opposite, or infinity.
fn points(count: usize, rng: &mut StdRng) -> Vec<G1Affine> {
    let mut points = distinct(count, rng);
    for index in (0..count).step_by(5).skip(1) {
        points[index] = match index % 3 {
            0 => points[index - 1],
            1 => -points[index - 1],
            _ => G1Affine::identity(),
        };
    }
    points
}

fn columns(count: usize, rng: &mut StdRng) -> Vec<Cells> {
    let elements = |rng: &mut StdRng, edge: usize| -> Vec<Fr> {
        let one = |row: usize, rng: &mut StdRng| match row % edge {
            0 => Fr::ZERO,
            1 => -Fr::ONE,
            2 => Fr::ONE,
            _ => Fr::random(rng),
        };
        (0..count).map(|row| one(row, rng)).collect()
    };
    vec![
        Cells::Bytes(Arc::new((0..count).map(|_| rng.r#gen()).collect())),
        Cells::Bytes(Arc::new(vec![1; count])),
        Cells::Bytes(Arc::new(vec![0; count])),
        Cells::default(),
        Cells::Bytes(Arc::new((0..count).map(|row| u8::from(row % 3 == 0) * 128).collect())),
        Cells::Ints(Arc::new((0..count).map(|_| rng.gen_range(-66_000..66_000)).collect())),
        Cells::Ints(Arc::new(vec![-1; count / 2])),
        Cells::Ints(Arc::new((0..count).map(|_| rng.r#gen()).collect())),
        Cells::Ints(Arc::new([i32::MIN, i32::MAX, 0].repeat(count / 3))),
        Cells::Longs(Arc::new((0..count).map(|_| rng.r#gen()).collect())),
        Cells::Longs(Arc::new([i64::MIN, i64::MAX, -1].repeat(count / 3))),
        Cells::Elements(Arc::new(elements(rng, count))),
        Cells::Elements(Arc::new(elements(rng, 4))),
        Cells::Elements(Arc::new(vec![-Fr::ONE; count - 1])),
        Cells::Elements(Arc::new(vec![Fr::ZERO; 3])),
    ]
}

#[test]
fn sums_are_the_processor_s() {
    let Some(functions) = loaded() else { return };
    let mut rng = StdRng::seed_from_u64(18);
    for count in [100, 1 << 10, 1 << 14, (1 << 16) - 77] {
        if count > 5000 && !on_a_device() {
            continue;
        }
        let points = points(count, &mut rng);
        let device = Cuda::new(functions, &points).expect("there is a device");
        let columns: Vec<Column> = columns(count, &mut rng).into_iter().map(Column::new).collect();
        let expected =
            engine::new(&points, Arithmetic::best()).sums(&columns.iter().collect::<Vec<_>>());
        let cells: Vec<&Cells> = columns.iter().map(|column| &column.cells).collect();
        assert_eq!(device.sums(&cells).expect("it works"), expected);
        for (cells, expected) in cells.iter().zip(expected) {
            assert_eq!(device.sums(&[cells]).expect("it works"), [expected]);
        }
    }
}

#[test]
fn proofs_are_the_processor_s() {
    let Some(functions) = loaded() else { return };
    for k in [7, 8, 9, 12, 13] {
        if k > 9 && !on_a_device() {
            continue;
        }
        let setup = Setup::new(k);
        let proof = setup.prove(setup.processor());
        let both = sure(functions, &setup.points, setup.processor());
        assert_eq!(setup.prove(both), proof, "k = {k}");
    }
    // The powers of the string are more than there are rows.
    for k in [9, 10, 11] {
        let setup = Setup::new(k);
        let proof = setup.prove_packed(|processor| processor);
        let on_device = |processor: Box<dyn Engine>| {
            let points = processor.points();
            sure(functions, &points, processor)
        };
        assert_eq!(setup.prove_packed(on_device), proof, "k = {k}");
    }
}

/// A device whose failure is one of the test, and not the processor's work.
struct Sure(Cuda);

impl Device for Sure {
    fn sums(&self, columns: &[&Cells]) -> Result<Vec<G1>, String> {
        Ok(self.0.sums(columns).expect("the device sums"))
    }

    fn pieces(
        &self,
        table: &Table<'_>,
        program: &Program,
        uniform: &[Vec<Fr>],
        count: usize,
    ) -> Result<Vec<Vec<Fr>>, String> {
        Ok(self.0.pieces(table, program, uniform, count).expect("the device makes quotients"))
    }
}

fn sure(
    functions: &'static Functions,
    points: &[G1Affine],
    processor: Box<dyn Engine>,
) -> Box<dyn Engine> {
    let device = Cuda::new(functions, points).expect("there is a device");
    Box::new(Accelerated::new(Box::new(Sure(device)), processor))
}

#[test]
fn what_is_wrong_or_too_large_is_refused_and_the_device_stays() {
    let Some(functions) = loaded() else { return };
    let mut rng = StdRng::seed_from_u64(1);
    let points = points(1 << 10, &mut rng);
    let device = Cuda::new(functions, &points).expect("there is a device");
    let long = Cells::Bytes(Arc::new(vec![1; points.len() + 1]));
    assert!(device.sums(&[&long]).is_err_and(|why| why == "there are more cells than points"));
    let roots = [Fr::ONE; 2];
    let pieces = |k: u32, queries: &[[i32; 2]], operations: &[[u32; 4]]| {
        let there = QuotientThere {
            columns: std::ptr::null(),
            queries: queries.as_ptr(),
            operations: operations.as_ptr(),
            uniform: std::ptr::null(),
            roots: &raw const roots,
            scale: &raw const roots[0],
            cosets: std::ptr::null(),
            matrix: std::ptr::null(),
            column_count: 0,
            query_count: queries.len() as u64,
            operation_count: operations.len() as u64,
            uniform_count: 0,
            coset_count: 0,
            k,
            registers: 2,
            result: 1,
        };
        let key = device.key.lock().expect("nothing panicked");
        // SAFETY: as in `Cuda::pieces`; there are no columns and no cosets.
        call(|message, size| unsafe {
            (functions.pieces)(key.0, &raw const there, std::ptr::null(), message, size)
        })
    };
    assert_eq!(pieces(3, &[], &[]), Ok(()));
    assert_eq!(pieces(3, &[], &[[1, 0, 1, 1]]), Ok(()));
    for operation in [[4, 0, 0, 0], [1, 2, 0, 0], [2, 0, 2, 0], [3, 0, 0, 2], [0, 0, 0, 0]] {
        assert_eq!(pieces(3, &[], &[operation]), Err("this is no program".into()));
    }
    assert_eq!(pieces(3, &[[0, 0]], &[]), Err("a query is of no column".into()));
    // More than the addresses that there are.
    assert_eq!(pieces(50, &[], &[]), Err("the device has not enough memory".into()));
    let one = Cells::Bytes(Arc::new(vec![1]));
    assert_eq!(device.sums(&[&one]).expect("it works"), [points[0].to_curve()]);
}

#[test]
fn what_is_no_library_or_another_version_s_is_refused() {
    let missing = Functions::load(OsStr::new("/nowhere/libzkverdict_cuda.so")).err();
    assert!(missing.is_some_and(|why| why.contains("/nowhere/libzkverdict_cuda.so")));
    let load = |name: &str, text: &str| {
        let folder = std::env::temp_dir();
        let source = folder.join(format!("zkverdict-{}-{name}.cpp", std::process::id()));
        std::fs::write(&source, text).expect("there is room");
        let functions = compiled(name, &source).map(|loaded| loaded.err().expect("it is refused"));
        std::fs::remove_file(source).expect("it was just made");
        functions
    };
    let Some(other) = load("other", "extern \"C\" unsigned zkv_version() { return 0; }") else {
        return;
    };
    assert_eq!(other, format!("it has version 0, and {VERSION} is needed"));
    let some = load("some", "extern \"C\" unsigned zkv_version() { return 1; }");
    assert!(some.is_some_and(|why| why.contains("zkv_open")));
}

/// Milliseconds of the device and of the processor.
#[test]
#[ignore = "measures"]
fn times() {
    let median = |work: &mut dyn FnMut()| {
        let mut times: Vec<f64> = (0..5)
            .map(|_| {
                let start = Instant::now();
                work();
                1e3 * start.elapsed().as_secs_f64()
            })
            .collect();
        times.sort_by(f64::total_cmp);
        times[2]
    };
    let Some(functions) = loaded() else { return };
    println!("{}", functions.name().expect("a device"));
    let mut rng = StdRng::seed_from_u64(2);
    for k in [12, 14, 17, 19] {
        let count = 1 << k;
        let points = distinct(count, &mut rng);
        let processor = engine::new(&points, Arithmetic::best());
        let device = Cuda::new(functions, &points).expect("there is a device");
        let bytes: Vec<u8> = (0..count).map(|_| rng.r#gen()).collect();
        let ints: Vec<i32> = (0..count).map(|_| rng.gen_range(-66_000..66_000)).collect();
        let elements: Vec<Fr> = (0..count).map(|_| Fr::random(&mut rng)).collect();
        let kinds = [
            ("8-bit", Cells::Bytes(Arc::new(bytes))),
            ("17-bit", Cells::Ints(Arc::new(ints))),
            ("full", Cells::Elements(Arc::new(elements))),
        ];
        for (name, cells) in kinds {
            for columns in [1, 16] {
                let column = Column::new(cells.clone());
                let list = vec![&column; columns];
                let cells = vec![&cells; columns];
                assert_eq!(device.sums(&cells).expect("it works"), processor.sums(&list));
                let on = median(&mut || drop(device.sums(&cells)));
                let off = median(&mut || drop(processor.sums(&list)));
                println!("2^{k} {name} x{columns}: device {on:.2} ms, processor {off:.2} ms");
            }
        }
    }
}
