//! A product with two chains of carries, by `mulx`, `adcx` and `adox`: compilers make one chain of two.

use super::{Element, portable::Constants};
use std::arch::asm;

/// Adds `a·factor` for one word of b to `t0` to `t4`, of which the last is new.
macro_rules! add_row {
    ($at:literal) => {
        concat!(
            "xor {zero:e}, {zero:e}\n",
            "mov rdx, [{b} + ",
            $at,
            "]\n",
            "mulx {high}, {low}, [{a}]\n",
            "adox {t0}, {low}\n",
            "adcx {t1}, {high}\n",
            "mulx {high}, {low}, [{a} + 8]\n",
            "adox {t1}, {low}\n",
            "adcx {t2}, {high}\n",
            "mulx {high}, {low}, [{a} + 16]\n",
            "adox {t2}, {low}\n",
            "adcx {t3}, {high}\n",
            "mulx {t4}, {low}, [{a} + 24]\n",
            "adox {t3}, {low}\n",
            "adcx {t4}, {zero}\n",
            "adox {t4}, {zero}\n",
        )
    };
}

/// Adds the multiple of p that makes `t0` 0, and moves all by a word.
macro_rules! reduce {
    () => {
        concat!(
            "mov rdx, {t0}\n",
            "imul rdx, {inverse}\n",
            "xor {zero:e}, {zero:e}\n",
            "mulx {high}, {low}, [{p}]\n",
            "adcx {low}, {t0}\n",
            "mov {t0}, {high}\n",
            "adcx {t0}, {t1}\n",
            "mulx {t1}, {low}, [{p} + 8]\n",
            "adox {t0}, {low}\n",
            "adcx {t1}, {t2}\n",
            "mulx {t2}, {low}, [{p} + 16]\n",
            "adox {t1}, {low}\n",
            "adcx {t2}, {t3}\n",
            "mulx {t3}, {low}, [{p} + 24]\n",
            "adox {t2}, {low}\n",
            "adcx {t3}, {zero}\n",
            "adox {t3}, {t4}\n",
        )
    };
}

/// The product of what is below 2p, below 2p.
///
/// # Safety
///
/// The processor has the instructions of `bmi2` and `adx`.
#[inline(always)]
pub unsafe fn product<F: Element>(a: &[u64; 4], b: &[u64; 4]) -> [u64; 4] {
    let (t0, t1, t2, t3): (u64, u64, u64, u64);
    // SAFETY: it reads the twelve words it is given and writes registers.
    unsafe {
        asm!(
            // The first row has nothing to be added to.
            "xor {t0:e}, {t0:e}",
            "xor {t1:e}, {t1:e}",
            "xor {t2:e}, {t2:e}",
            "xor {t3:e}, {t3:e}",
            add_row!("0"), reduce!(),
            add_row!("8"), reduce!(),
            add_row!("16"), reduce!(),
            add_row!("24"), reduce!(),
            a = in(reg) a.as_ptr(),
            b = in(reg) b.as_ptr(),
            p = in(reg) Constants::<F>::P.as_ptr(),
            inverse = in(reg) Constants::<F>::NEGATIVE_INVERSE,
            t0 = out(reg) t0,
            t1 = out(reg) t1,
            t2 = out(reg) t2,
            t3 = out(reg) t3,
            t4 = out(reg) _,
            high = out(reg) _,
            low = out(reg) _,
            zero = out(reg) _,
            out("rdx") _,
            options(pure, readonly, nostack),
        );
    }
    [t0, t1, t2, t3]
}
