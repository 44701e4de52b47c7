//! How the elements of a tensor stand in instances, so that it has one packing.
//!
//! Elements are unsigned codes that keep their order, the first lowest: as many to a word as leave the top byte
//! 0, so that every word is below the scalar modulus. Codes that a last word has no elements for are 0, and so
//! is all above the codes.
//!
//! | elements | code | bits | in a word |
//! |---|---|---|---|
//! | int8, int16, int32 | value + 2^(bits − 1) | 8, 16, 32 | 31, 15, 7 |
//! | uint8, uint16, uint32 | value | 8, 16, 32 | 31, 15, 7 |
//! | float32 | its bits, all turned where it is negative, the sign turned where not | 32 | 7 |

use crate::model::ElementType;
use serde::{Deserialize, Serialize};

/// A big-endian word of 32 bytes.
pub type Word = [u8; WORD_BYTES];

const WORD_BYTES: usize = 32;

/// How the elements of a tensor stand in instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Code {
    /// −2^7 to 2^7 − 1.
    Int8,
    /// 0 to 2^8 − 1; positions among at most 256 elements too.
    Uint8,
    /// −2^15 to 2^15 − 1.
    Int16,
    /// 0 to 2^16 − 1.
    Uint16,
    /// −2^31 to 2^31 − 1.
    Int32,
    /// 0 to 2^32 − 1, as token ids are.
    Uint32,
    /// Floats of 32 bits.
    Float32,
}

/// What an element stands for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Element {
    /// An integer.
    Integer(i64),
    /// A float.
    Float(f32),
}

impl Code {
    /// All there are.
    pub const ALL: [Self; 7] = [
        Self::Int8,
        Self::Uint8,
        Self::Int16,
        Self::Uint16,
        Self::Int32,
        Self::Uint32,
        Self::Float32,
    ];

    /// The code of a model's elements.
    pub fn of(element: ElementType) -> Self {
        match element {
            ElementType::Int8 => Self::Int8,
            // Positions that have a circuit are below 256.
            ElementType::Uint8 | ElementType::Int64 => Self::Uint8,
        }
    }

    /// The name that ONNX gives the elements' type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Int8 => "int8",
            Self::Uint8 => "uint8",
            Self::Int16 => "int16",
            Self::Uint16 => "uint16",
            Self::Int32 => "int32",
            Self::Uint32 => "uint32",
            Self::Float32 => "float32",
        }
    }

    /// Bits of a code.
    pub const fn bits(self) -> usize {
        match self {
            Self::Int8 | Self::Uint8 => 8,
            Self::Int16 | Self::Uint16 => 16,
            Self::Int32 | Self::Uint32 | Self::Float32 => 32,
        }
    }

    /// How many elements a word holds.
    pub const fn per_word(self) -> usize {
        (8 * (WORD_BYTES - 1)) / self.bits()
    }

    /// How many words so many elements take.
    pub const fn words(self, elements: usize) -> usize {
        elements.div_ceil(self.per_word())
    }

    /// The code of an element; none where the element is outside the type.
    pub fn encode(self, element: Element) -> Option<u32> {
        match (self, element) {
            (Self::Float32, Element::Float(value)) => {
                let bits = value.to_bits();
                Some(if bits >> 31 == 1 { !bits } else { bits | 1 << 31 })
            }
            (Self::Float32, Element::Integer(_)) | (_, Element::Float(_)) => None,
            (_, Element::Integer(value)) => {
                let code = u32::try_from(value.checked_sub(self.smallest())?).ok()?;
                self.holds(code).then_some(code)
            }
        }
    }

    /// The element that a code stands for. Assumes that the code has no more bits than the type's do.
    pub fn decode(self, code: u32) -> Element {
        match self {
            Self::Float32 => {
                let bits = if code >> 31 == 1 { code ^ 1 << 31 } else { !code };
                Element::Float(f32::from_bits(bits))
            }
            _ => Element::Integer(i64::from(code) + self.smallest()),
        }
    }

    /// What code 0 stands for, of integers.
    fn smallest(self) -> i64 {
        match self {
            Self::Int8 | Self::Int16 | Self::Int32 => -(1 << (self.bits() - 1)),
            Self::Uint8 | Self::Uint16 | Self::Uint32 | Self::Float32 => 0,
        }
    }

    fn holds(self, code: u32) -> bool {
        u64::from(code) >> self.bits() == 0
    }

    /// Packs codes into words. Assumes that no code has more bits than the type's do.
    pub fn pack(self, codes: &[u32]) -> Vec<Word> {
        let bytes = self.bits() / 8;
        let word = |codes: &[u32]| {
            let mut word = Word::default();
            for (place, code) in word.rchunks_exact_mut(bytes).zip(codes) {
                place.copy_from_slice(&code.to_be_bytes()[size_of::<u32>() - bytes..]);
            }
            word
        };
        codes.chunks(self.per_word()).map(word).collect()
    }

    /// The codes of so many elements in their words; the position of a word that is not as [`Self::pack`]
    /// makes it. Assumes [`Self::words`] words.
    pub fn unpack(self, words: &[Word], elements: usize) -> Result<Vec<u32>, usize> {
        let bytes = self.bits() / 8;
        let mut codes = Vec::with_capacity(elements.min(words.len() * self.per_word()));
        for (at, word) in words.iter().enumerate() {
            let held = (elements - codes.len()).min(self.per_word());
            let (unused, used) = word.split_at(WORD_BYTES - bytes * held);
            if unused.iter().any(|&byte| byte != 0) {
                return Err(at);
            }
            let code =
                |bytes: &[u8]| bytes.iter().fold(0, |code, &byte| code << 8 | u32::from(byte));
            codes.extend(used.rchunks_exact(bytes).map(code));
        }
        Ok(codes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng, rngs::StdRng};

    /// The ends of each type, its zero, and values between them.
    fn elements(code: Code, rng: &mut StdRng) -> Vec<Element> {
        let integer = Element::Integer;
        let mut elements = match code {
            Code::Int8 => vec![integer(-128), integer(-1), integer(0), integer(127)],
            Code::Uint8 => vec![integer(0), integer(1), integer(255)],
            Code::Int16 => vec![integer(-32_768), integer(-1), integer(0), integer(32_767)],
            Code::Uint16 => vec![integer(0), integer(65_535)],
            Code::Int32 => vec![integer(-2_147_483_648), integer(0), integer(2_147_483_647)],
            Code::Uint32 => vec![integer(0), integer(4_294_967_295)],
            Code::Float32 => [f32::NEG_INFINITY, -1.5, -0.0, 0.0, 1e-40, 1.5, f32::INFINITY]
                .map(Element::Float)
                .to_vec(),
        };
        let last = if code.bits() == 32 { u32::MAX } else { (1 << code.bits()) - 1 };
        while elements.len() < 40 {
            elements.push(code.decode(rng.gen_range(0..=last)));
        }
        elements
    }

    /// Whatever a float's bits are, NaNs too.
    fn same(a: Element, b: Element) -> bool {
        match (a, b) {
            (Element::Float(a), Element::Float(b)) => a.to_bits() == b.to_bits(),
            (a, b) => a == b,
        }
    }

    #[test]
    fn tensors_come_back_from_their_words() {
        let rng = &mut StdRng::seed_from_u64(0x1257);
        for code in Code::ALL {
            let per_word = match code.bits() {
                8 => 31,
                16 => 15,
                _ => 7,
            };
            assert_eq!(code.per_word(), per_word, "{code:?}");
            let all = elements(code, rng);
            for len in [0, 1, per_word - 1, per_word, per_word + 1, 40] {
                let codes: Vec<u32> =
                    all[..len].iter().map(|&e| code.encode(e).expect("in range")).collect();
                let words = code.pack(&codes);
                assert_eq!(words.len(), len.div_ceil(per_word), "{code:?}");
                assert!(words.iter().all(|word| word[0] == 0), "{code:?}: below the modulus");
                let back = code.unpack(&words, len).unwrap();
                assert_eq!(back, codes, "{code:?}");
                let decoded = back.iter().map(|&back| code.decode(back));
                assert!(decoded.zip(&all).all(|(a, &b)| same(a, b)), "{code:?}");
            }
        }
    }

    #[test]
    fn first_element_stands_lowest() {
        let word =
            |code: Code, value| code.pack(&[code.encode(Element::Integer(value)).unwrap(), 0])[0];
        let mut expected = Word::default();
        expected[31] = 0x83;
        assert_eq!(word(Code::Int8, 3), expected);
        expected[30] = 0x80;
        expected[31] = 0x03;
        assert_eq!(word(Code::Int16, 3), expected);
        expected = Word::default();
        (expected[28], expected[31]) = (0x80, 0x03);
        assert_eq!(word(Code::Int32, 3), expected);
        assert_eq!(word(Code::Uint32, 0x8000_0003), expected);
        // The second element is above the first.
        let two = Code::Uint8.pack(&[1, 2])[0];
        assert_eq!((two[31], two[30]), (1, 2));
    }

    #[test]
    fn codes_keep_the_order() {
        let rng = &mut StdRng::seed_from_u64(0x0d3);
        for code in Code::ALL {
            let mut codes: Vec<u32> =
                elements(code, rng).iter().map(|&e| code.encode(e).unwrap()).collect();
            codes.sort_unstable();
            let in_order =
                codes.windows(2).all(|pair| match (code.decode(pair[0]), code.decode(pair[1])) {
                    (Element::Integer(a), Element::Integer(b)) => a <= b,
                    (Element::Float(a), Element::Float(b)) => a.total_cmp(&b).is_le(),
                    _ => false,
                });
            assert!(in_order, "{code:?}");
        }
    }

    #[test]
    fn element_outside_its_type_has_no_code() {
        let outside = [
            (Code::Int8, -129),
            (Code::Int8, 128),
            (Code::Uint8, -1),
            (Code::Uint8, 256),
            (Code::Int16, 32_768),
            (Code::Uint16, 65_536),
            (Code::Int32, 1 << 31),
            (Code::Uint32, -1),
            (Code::Uint32, 1 << 32),
            (Code::Float32, 1),
        ];
        for (code, value) in outside {
            assert_eq!(code.encode(Element::Integer(value)), None, "{code:?} {value}");
        }
        assert_eq!(Code::Int8.encode(Element::Float(1.0)), None);
        assert_eq!(Code::Int8.encode(Element::Integer(i64::MIN)), None);
    }

    #[test]
    fn any_byte_where_no_element_is_is_refused() {
        for code in Code::ALL {
            // One whole word, and one with a single element.
            let codes = vec![0; code.per_word() + 1];
            let words = code.pack(&codes);
            let bytes = code.bits() / 8;
            for (at, held) in [(0, code.per_word()), (1, 1)] {
                for byte in 0..WORD_BYTES - bytes * held {
                    let mut words = words.clone();
                    words[at][byte] = 1;
                    assert_eq!(code.unpack(&words, codes.len()), Err(at), "{code:?} {byte}");
                }
            }
        }
    }
}
