//! Changes of files, the same in every run.

/// Numbers that readers stumble over.
const NUMBERS: [u64; 10] =
    [0, 1, 0x7f, 0x80, 0xff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 40, u64::MAX];

/// Files from the repository.
pub fn seeds(files: &[&str]) -> Vec<Vec<u8>> {
    files.iter().map(|file| std::fs::read(format!("{}/{file}", super::ROOT)).unwrap()).collect()
}

/// Mutations of some files without end.
pub struct Mutations {
    state: u64,
    seeds: Vec<Vec<u8>>,
}

impl Mutations {
    /// Those of a target, by its name.
    pub fn new(target: &str, seeds: Vec<Vec<u8>>) -> Self {
        let state = target.bytes().fold(0x9e37_79b9_7f4a_7c15, |state: u64, byte| {
            (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self { state, seeds }
    }

    /// A number below `limit`, or 0.
    pub fn below(&mut self, limit: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state >> 8).unwrap() % limit.max(1)
    }

    /// Changes a few places, or a whole part.
    pub fn change(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(6) {
            let at = self.below(bytes.len() + 1);
            let length = 1 + self.below(16);
            let end = (at + length).min(bytes.len());
            match self.below(8) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 if at < bytes.len() => bytes[at] = u8::try_from(self.below(256)).unwrap(),
                2 => drop(bytes.drain(at..end)),
                3 => {
                    let copy = bytes[at..end].to_vec();
                    let to = self.below(bytes.len() + 1);
                    drop(bytes.splice(to..to, copy));
                }
                4 => {
                    let number = NUMBERS[self.below(NUMBERS.len())];
                    let width = [1, 2, 4, 8][self.below(4)];
                    let end = (at + width).min(bytes.len());
                    drop(bytes.splice(at..end, number.to_le_bytes()[..width].iter().copied()));
                }
                5 => {
                    let other = self.below(self.seeds.len());
                    let from = self.below(self.seeds[other].len());
                    let part =
                        self.seeds[other][from..].iter().copied().take(length).collect::<Vec<_>>();
                    drop(bytes.splice(at..end, part));
                }
                6 => bytes[at..end].fill(0),
                _ if self.below(8) == 0 => bytes.truncate(at),
                _ => {}
            }
        }
    }
}

impl Iterator for Mutations {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let seed = self.below(self.seeds.len());
        let mut bytes = self.seeds[seed].clone();
        self.change(&mut bytes);
        Some(bytes)
    }
}
