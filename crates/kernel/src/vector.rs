//! Work compiled for the widest vector unit that the CPU has.

/// Work on plain memory that the compiler can turn into vector instructions.
///
/// Mark [`run`](Self::run) and everything it calls `#[inline(always)]`: only what is inlined is
/// compiled for the wider unit.
pub trait VectorWork {
    /// What comes out.
    type Output;

    /// Does the work.
    fn run(self) -> Self::Output;
}

/// Runs `work` with AVX2 where the CPU has it, with the target's own instructions elsewhere. The
/// result is the same.
#[inline]
pub fn vectorized<W: VectorWork>(work: W) -> W::Output {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has AVX2, we asked it.
        return unsafe { with_avx2(work) };
    }
    work.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn with_avx2<W: VectorWork>(work: W) -> W::Output {
    work.run()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sum<'a>(&'a [u32]);

    impl VectorWork for Sum<'_> {
        type Output = u32;

        #[inline(always)]
        fn run(self) -> u32 {
            self.0.iter().fold(0, |sum, one| sum.wrapping_add(*one))
        }
    }

    #[test]
    fn the_result_is_that_of_plain_code() {
        let numbers: Vec<u32> = (0..1000_u32).map(|i| i.wrapping_mul(0x0100_0193)).collect();
        assert_eq!(vectorized(Sum(&numbers)), Sum(&numbers).run());
    }
}
