//! Balanced ternary: digits -1, 0 and 1, five in a byte.

use crate::Violation;

/// Trits in a word of four bytes.
pub const PER_WORD: usize = 20;

/// The largest number that `planes` trits hold, either way: `(3^planes - 1) / 2`.
pub const fn reach(planes: u32) -> u32 {
    (3_u32.pow(planes) - 1) / 2
}

/// How many trits `size` needs, either way.
pub const fn planes_for(size: u32) -> u32 {
    let mut planes = 0;
    while reach(planes) < size {
        planes += 1;
    }
    planes
}

/// The code of the trit of weight `3^plane` in `value`: 0, 1, or 2 for -1.
pub const fn digits(value: i32, plane: u32) -> u32 {
    // Moved to where every digit is one of 0, 1 and 2, and moved back: floor division is no help,
    // since a balanced digit rounds.
    let power = 3_i32.pow(plane);
    let rounded = (value + (power - 1) / 2).div_euclid(power);
    rounded.rem_euclid(3) as u32
}

/// A word of twenty codes, each 0, 1 or 2: five in each byte, the first one counting least.
pub fn pack(codes: &[u32; PER_WORD]) -> u32 {
    let byte = |five: &[u32]| five.iter().rev().fold(0, |all, code| all * 3 + code);
    codes.chunks_exact(5).rev().fold(0, |word, five| word << 8 | byte(five))
}

/// The twenty trits of a word.
///
/// # Errors
///
/// [`Violation::Trits`] when a byte is above 242; `place` is that of the word.
pub fn unpack(word: u32, place: usize) -> Result<[i32; PER_WORD], Violation> {
    let mut trits = [0; PER_WORD];
    for (byte, five) in word.to_le_bytes().into_iter().zip(trits.chunks_exact_mut(5)) {
        if byte > 242 {
            return Err(Violation::Trits { word: place, value: word });
        }
        let mut left = byte;
        for trit in five {
            *trit = [0, 1, -1][usize::from(left % 3)];
            left /= 3;
        }
    }
    Ok(trits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_add_up_to_the_number() {
        for value in -364..=364_i32 {
            let planes = planes_for(value.unsigned_abs());
            let trit = |plane| [0, 1, -1][digits(value, plane) as usize];
            let sum: i32 = (0..planes).map(|plane| trit(plane) * 3_i32.pow(plane)).sum();
            assert_eq!(sum, value);
            assert!((planes..7).all(|plane| digits(value, plane) == 0), "{value}");
        }
    }

    #[test]
    fn planes_reach_what_the_note_says() {
        assert_eq!([0, 1, 4, 13, 40, 121, 364].map(planes_for), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!([2, 5, 14, 41, 122].map(planes_for), [2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_word_is_its_trits_and_nothing_is_zero() {
        let mut codes = [0; PER_WORD];
        assert_eq!(pack(&codes), 0);
        codes[0] = 1;
        codes[6] = 2;
        codes[19] = 2;
        let word = pack(&codes);
        assert_eq!(word, 1 | (2 * 3) << 8 | (2 * 81) << 24);
        let trits = unpack(word, 0).unwrap();
        let expected: Vec<i32> = codes.iter().map(|code| [0, 1, -1][*code as usize]).collect();
        assert_eq!(trits[..], expected[..]);
        assert_eq!(unpack(0x00f3_0000, 7), Err(Violation::Trits { word: 7, value: 0x00f3_0000 }));
    }
}
