//! The library of `cuda/`, loaded when a key is made: the program starts where there is no driver, and nothing of CUDA
//! is needed to compile it.

use super::{Accelerated, Device};
use crate::NoDevice;
use crate::columns::Cells;
use crate::domain::root;
use crate::engine::Engine;
use crate::field::Element;
use crate::msm::Digits;
use crate::program::{Kind, Operation, Program};
use crate::quotient::{Table, cosets, inverse_vandermonde};
use crate::warnings::warn;
use halo2_proofs::halo2curves::{
    bn256::{Fq, Fr, G1, G1Affine},
    ff::Field,
    group::{Group, prime::PrimeCurveAffine},
};
use libloading::{Library, library_filename};
use std::ffi::{OsStr, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, OnceLock, PoisonError};

/// Where the library is, or `off`; beside the program if nothing is said.
const VARIABLE: &str = "ZKVERDICT_CUDA";

/// Of the structures and functions that both sides know.
const VERSION: u32 = 1;

/// From so many points on, a device is asked.
const WORTH: usize = 1 << 12;

/// Digits of columns that are sorted at once: a device takes some 12 bytes for each.
const AT_ONCE: usize = 1 << 27;

/// `ZkvColumn` of `cuda/interface.h`.
#[repr(C)]
struct CellsThere {
    cells: *const c_void,
    length: u64,
    tail: *const Fr,
    tail_length: u64,
    kind: u32,
}

/// `ZkvSum`.
#[repr(C)]
struct SumThere {
    column: CellsThere,
    offset: [u64; 4],
    width: u32,
    windows: u32,
}

/// `ZkvQuotient`.
#[repr(C)]
struct QuotientThere {
    columns: *const CellsThere,
    queries: *const [i32; 2],
    operations: *const [u32; 4],
    uniform: *const Fr,
    roots: *const [Fr; 2],
    scale: *const Fr,
    cosets: *const [Fr; 3],
    matrix: *const Fr,
    column_count: u64,
    query_count: u64,
    operation_count: u64,
    uniform_count: u64,
    coset_count: u64,
    k: u32,
    registers: u32,
    result: u32,
}

type Open =
    unsafe extern "C" fn(*const c_void, usize, *mut *mut c_void, *mut c_char, usize) -> c_int;
type Close = unsafe extern "C" fn(*mut c_void);
type Name = unsafe extern "C" fn(*mut c_char, usize, *mut c_char, usize) -> c_int;
type Sums = unsafe extern "C" fn(
    *mut c_void,
    *const SumThere,
    usize,
    *mut c_void,
    *mut c_char,
    usize,
) -> c_int;
type Pieces = unsafe extern "C" fn(
    *mut c_void,
    *const QuotientThere,
    *const *mut Fr,
    *mut c_char,
    usize,
) -> c_int;

/// What the library has.
struct Functions {
    open: Open,
    close: Close,
    name: Name,
    sums: Sums,
    pieces: Pieces,
}

/// Calls what writes why it failed.
fn call(work: impl FnOnce(*mut c_char, usize) -> c_int) -> Result<(), String> {
    let mut message = [0_u8; 256];
    match work(message.as_mut_ptr().cast(), message.len()) {
        0 => Ok(()),
        _ => {
            let length = message.iter().position(|&byte| byte == 0).unwrap_or(0);
            Err(String::from_utf8_lossy(&message[..length]).into_owned())
        }
    }
}

impl Functions {
    fn load(path: &OsStr) -> Result<Self, String> {
        let said = |error: libloading::Error| error.to_string();
        // SAFETY: whoever runs the program names the library, or has put it beside the program, and so trusts what it
        // does when it is loaded; that it is made for this program, its version says.
        let library = unsafe { Library::new(path) }.map_err(said)?;
        // SAFETY: the types are those of `cuda/library.cu`.
        let functions = unsafe {
            let version = library.get::<unsafe extern "C" fn() -> u32>(b"zkv_version");
            let version = version.map_err(said)?();
            if version != VERSION {
                return Err(format!("it has version {version}, and {VERSION} is needed"));
            }
            Self {
                open: *library.get(b"zkv_open").map_err(said)?,
                close: *library.get(b"zkv_close").map_err(said)?,
                name: *library.get(b"zkv_name").map_err(said)?,
                sums: *library.get(b"zkv_sums").map_err(said)?,
                pieces: *library.get(b"zkv_pieces").map_err(said)?,
            }
        };
        // It stays loaded as long as the program runs: keys point into it.
        std::mem::forget(library);
        functions.name()?;
        Ok(functions)
    }

    fn name(&self) -> Result<String, String> {
        let mut name = [0_u8; 256];
        // SAFETY: both buffers are as long as is said.
        call(|message, size| unsafe {
            (self.name)(name.as_mut_ptr().cast(), name.len(), message, size)
        })?;
        let length = name.iter().position(|&byte| byte == 0).unwrap_or(0);
        Ok(String::from_utf8_lossy(&name[..length]).into_owned())
    }
}

/// The library with a device that it finds, or why there is none.
fn functions() -> Result<&'static Functions, &'static NoDevice> {
    static FUNCTIONS: OnceLock<Result<Functions, NoDevice>> = OnceLock::new();
    let find = || {
        let named = std::env::var_os(VARIABLE);
        let path = match &named {
            Some(path) if path == "off" => return Err(NoDevice::Off),
            Some(path) => PathBuf::from(path),
            None => {
                let program = std::env::current_exe().ok();
                let folder = program.as_deref().and_then(Path::parent);
                let beside = folder.map(|folder| folder.join(library_filename("zkverdict_cuda")));
                beside.filter(|beside| beside.exists()).ok_or(NoDevice::NoLibrary)?
            }
        };
        let found = Functions::load(path.as_os_str());
        found.map_err(|why| NoDevice::Library { path: path.display().to_string(), why })
    };
    FUNCTIONS.get_or_init(find).as_ref()
}

/// The name of the device.
#[cfg(feature = "cuda")]
pub fn name() -> Result<String, NoDevice> {
    let why = |why| NoDevice::Library { path: "the device".into(), why };
    functions().map_err(NoDevice::clone)?.name().map_err(why)
}

/// On a device, if there is one and it is worth it. One that was asked for and is not there is told of once.
pub fn on_device(points: &[G1Affine], processor: Box<dyn Engine>) -> Box<dyn Engine> {
    static TOLD: Once = Once::new();
    let functions = match functions() {
        Ok(functions) if points.len() >= WORTH => functions,
        Err(why @ NoDevice::Library { .. }) => {
            TOLD.call_once(|| {
                warn(&format!("no device, and the processor does its work: {why}"));
            });
            return processor;
        }
        _ => return processor,
    };
    match Cuda::new(functions, points) {
        Ok(device) => Box::new(Accelerated::new(Box::new(device), processor)),
        Err(why) => {
            warn(&format!("the device takes no key, and the processor does its work: {why}"));
            processor
        }
    }
}

/// A key's points on a device.
struct Cuda {
    functions: &'static Functions,
    /// One call at a time.
    key: Mutex<Handle>,
}

/// What the library knows a key by.
struct Handle(*mut c_void);

// SAFETY: the library keeps nothing that belongs to a thread, and calls with one key follow each other.
unsafe impl Send for Handle {}

impl Cuda {
    fn new(functions: &'static Functions, points: &[G1Affine]) -> Result<Self, String> {
        let words: Vec<[[u64; 4]; 2]> =
            points.iter().map(|point| [point.x.words(), point.y.words()]).collect();
        let mut key = std::ptr::null_mut();
        // SAFETY: there are as many points as is said, and they are copied.
        call(|message, size| unsafe {
            (functions.open)(words.as_ptr().cast(), words.len(), &raw mut key, message, size)
        })?;
        Ok(Self { functions, key: Mutex::new(Handle(key)) })
    }

    /// Σ cell·point of columns with something in them.
    fn batch(&self, columns: &[(&Cells, Digits)]) -> Result<Vec<G1>, String> {
        let there: Vec<SumThere> = columns
            .iter()
            .map(|(cells, digits)| SumThere {
                column: there(cells, &[]),
                offset: digits.offset,
                width: digits.width,
                windows: digits.windows,
            })
            .collect();
        let windows: u32 = columns.iter().map(|(_, digits)| digits.windows).sum();
        // Of each window: x·zz, y·zzz, zz, zzz.
        let mut words = vec![[[0_u64; 4]; 4]; windows as usize];
        let key = self.key.lock().map_err(|error| error.to_string())?;
        // SAFETY: cells outlive the call, and there is room for all windows.
        call(|message, size| unsafe {
            let to = words.as_mut_ptr().cast();
            (self.functions.sums)(key.0, there.as_ptr(), there.len(), to, message, size)
        })?;
        drop(key);
        let mut points = words.into_iter().map(point);
        let of_column = |(_, digits): &(&Cells, Digits)| {
            let windows: Option<Vec<G1>> = points.by_ref().take(digits.windows as usize).collect();
            windows.map(|windows| digits.total(windows))
        };
        let totals: Option<Vec<G1>> = columns.iter().map(of_column).collect();
        totals.ok_or_else(|| "it made what is no point".into())
    }
}

impl Drop for Cuda {
    fn drop(&mut self) {
        let key = self.key.get_mut().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: it was opened, and nothing uses it any more.
        unsafe { (self.functions.close)(key.0) }
    }
}

fn there(cells: &Cells, tail: &[Fr]) -> CellsThere {
    let (cells, length, kind): (*const c_void, usize, u32) = match cells {
        Cells::Bytes(cells) => (cells.as_ptr().cast(), cells.len(), 0),
        Cells::Ints(cells) => (cells.as_ptr().cast(), cells.len(), 1),
        Cells::Longs(cells) => (cells.as_ptr().cast(), cells.len(), 2),
        Cells::Elements(cells) => (cells.as_ptr().cast(), cells.len(), 3),
    };
    let (tail, tail_length) = (tail.as_ptr(), tail.len() as u64);
    CellsThere { cells, length: length as u64, tail, tail_length, kind }
}

/// The point with these coordinates over these denominators, if it is one.
fn point([x, y, zz, zzz]: [[u64; 4]; 4]) -> Option<G1> {
    let coordinate =
        |words: [u64; 4]| words.iter().rev().lt(Fq::P.iter().rev()).then(|| Fq::from_words(words));
    let (zz, zzz) = (coordinate(zz)?, coordinate(zzz)?);
    if bool::from(zz.is_zero()) {
        return Some(G1::identity());
    }
    // zz is a square and zzz a cube: 1/zz = (zz/zzz)².
    let inverse = Option::<Fq>::from(zzz.invert())?;
    let root = zz * inverse;
    let point = G1Affine { x: coordinate(x)? * root.square(), y: coordinate(y)? * inverse };
    Some(point.to_curve())
}

impl Device for Cuda {
    fn sums(&self, columns: &[&Cells]) -> Result<Vec<G1>, String> {
        /// What weighing a bucket costs, in points.
        const BUCKET: usize = 5;
        let mut sums = vec![G1::identity(); columns.len()];
        let (mut batch, mut places, mut load) = (Vec::new(), Vec::new(), 0);
        let mut flush = |batch: &mut Vec<_>, places: &mut Vec<usize>| -> Result<(), String> {
            for (place, sum) in places.drain(..).zip(self.batch(batch)?) {
                sums[place] = sum;
            }
            batch.clear();
            Ok(())
        };
        for (place, &cells) in columns.iter().enumerate() {
            let bits = cells.bits();
            if bits == 0 {
                continue;
            }
            let digits = Digits::cheapest(bits, cells.len(), BUCKET);
            let own = cells.len() * digits.windows as usize;
            if load + own > AT_ONCE && !batch.is_empty() {
                flush(&mut batch, &mut places)?;
                load = 0;
            }
            load += own;
            batch.push((cells, digits));
            places.push(place);
        }
        if !batch.is_empty() {
            flush(&mut batch, &mut places)?;
        }
        Ok(sums)
    }

    fn pieces(
        &self,
        table: &Table<'_>,
        program: &Program,
        uniform: &[Vec<Fr>],
        count: usize,
    ) -> Result<Vec<Vec<Fr>>, String> {
        let ([program], [uniform]) = (&program.parts[..], uniform) else {
            return Err("the gates are in parts".into());
        };
        let n = 1_usize << table.k;
        let mut columns: Vec<(Kind, usize)> =
            program.queries.iter().map(|query| (query.kind, query.column)).collect();
        columns.sort_unstable();
        columns.dedup();
        let queries: Vec<[i32; 2]> = program
            .queries
            .iter()
            .map(|query| {
                let column = columns.binary_search(&(query.kind, query.column));
                [column.expect("it was listed") as i32, query.rotation]
            })
            .collect();
        let columns: Vec<CellsThere> = columns
            .iter()
            .map(|&(kind, index)| {
                let column = table.column(kind, index);
                there(&column.cells, &column.tail)
            })
            .collect();
        let operations: Vec<[u32; 4]> = program
            .operations
            .iter()
            .map(|operation| match *operation {
                Operation::Load { to, query } => [0, to, query, 0],
                Operation::Add { to, a, b } => [1, to, a, b],
                Operation::Sub { to, a, b } => [2, to, a, b],
                Operation::Mul { to, a, b } => [3, to, a, b],
            })
            .collect();
        let invert = |element: Fr| element.invert().expect("roots of unity differ from 0 and 1");
        let omega = root(table.k);
        let roots = [omega, invert(omega)];
        let scale = invert(Fr::from(n as u64));
        let cosets = cosets(table.k, count);
        let of_n: Vec<Fr> = cosets.iter().map(|coset| coset.pow_vartime([n as u64])).collect();
        let matrix: Vec<Fr> = inverse_vandermonde(&of_n).concat();
        let cosets: Vec<[Fr; 3]> = cosets
            .iter()
            .zip(&of_n)
            .map(|(coset, of_n)| [*coset, invert(*coset), invert(*of_n - Fr::ONE)])
            .collect();
        let there = QuotientThere {
            columns: columns.as_ptr(),
            queries: queries.as_ptr(),
            operations: operations.as_ptr(),
            uniform: uniform.as_ptr(),
            roots: &raw const roots,
            scale: &raw const scale,
            cosets: cosets.as_ptr(),
            matrix: matrix.as_ptr(),
            column_count: columns.len() as u64,
            query_count: queries.len() as u64,
            operation_count: operations.len() as u64,
            uniform_count: uniform.len() as u64,
            coset_count: count as u64,
            k: table.k,
            registers: program.registers as u32,
            result: program.result as u32,
        };
        let mut pieces: Vec<Vec<Fr>> = (0..count).map(|_| Vec::with_capacity(n)).collect();
        let to: Vec<*mut Fr> = pieces.iter_mut().map(Vec::as_mut_ptr).collect();
        let key = self.key.lock().map_err(|error| error.to_string())?;
        // SAFETY: all arrays outlive the call and are as long as is said; there are as many pieces as cosets, with room
        // for all rows.
        call(|message, size| unsafe {
            (self.functions.pieces)(key.0, &raw const there, to.as_ptr(), message, size)
        })?;
        for piece in &mut pieces {
            // SAFETY: the library has written as many elements: their words, reduced.
            unsafe { piece.set_len(n) }
        }
        Ok(pieces)
    }
}

#[cfg(test)]
mod tests;
