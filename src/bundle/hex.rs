//! Bytes as text.

/// `0x` and two digits per byte.
pub fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    std::iter::once("0x".to_owned()).chain(digits).collect()
}

/// The bytes behind `0x` and two digits per byte.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x")?;
    // A sign is no digit, whatever the standard library says.
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) || digits.len() % 2 != 0 {
        return None;
    }
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    (0..digits.len()).step_by(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_and_nothing_else_is_read() {
        let bytes = [0x00, 0x7f, 0xff];
        assert_eq!(hex(&bytes), "0x007fff");
        assert_eq!(unhex("0x007FfF"), Some(bytes.to_vec()));
        assert_eq!(unhex("0x"), Some(vec![]));
        for text in ["", "00", "0x0", "0x+f", "0x-f", "0x 1", "0xé", "0x0g"] {
            assert_eq!(unhex(text), None, "{text}");
        }
    }
}
