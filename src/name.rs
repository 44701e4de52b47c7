//! Names from outside: of models, tensors, nodes, operators, contracts.
//!
//! A file's author chooses them, so they may hold anything: line breaks, quotes, ends of comments, terminal escapes,
//! marks that turn the direction of text, a megabyte. [`Name`] is bounded and printable, which is all that a line of
//! text or a JSON string needs; every other place that a name gets to has an escaping of its own here. Templates take
//! only what these give.
//!
//! | place | escaping |
//! |---|---|
//! | a line of text, a JSON string | [`Name`] itself |
//! | several lines of text | [`printable`] |
//! | JSON as a whole | [`printable_json`] |
//! | a comment of Solidity, Markdown | [`Name::comment`] |
//! | a string of Solidity | [`Name::literal`] |
//! | an identifier of Solidity, a file's name | [`Name::identifier`] |
//! | HTML | the template's own escaping |

use sha3::{Digest, Keccak256};
use std::fmt::{self, Write};

/// Characters of a name. What is longer is cut and ends with a hash of all of it.
const LONGEST: usize = 256;

/// Characters of an identifier: with what is added to them, they are still a file's name everywhere.
const LONGEST_IDENTIFIER: usize = 64;

/// A name that is bounded and printable, all on one line.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Name(String);

impl Name {
    /// The name itself where it is bounded and printable. Any other has its unprintable characters escaped and ends
    /// with a hash, so that different names stay different.
    pub(crate) fn new(text: &str) -> Self {
        if text.len() <= LONGEST && text.chars().all(is_printable) {
            return Self(text.to_owned());
        }
        let digest: String =
            Keccak256::digest(text)[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let mut name = String::new();
        for c in text.chars() {
            let escaped = escaped(c);
            if name.len() + escaped.len() + digest.len() >= LONGEST {
                break;
            }
            name += &escaped;
        }
        Self(name + "~" + &digest)
    }

    /// Makes a name of what stands in its place.
    pub(crate) fn tame(text: &mut String) {
        let Self(name) = Self::new(text);
        *text = name;
    }

    /// Names of one line, one after the other.
    pub(crate) fn list<'a>(texts: impl IntoIterator<Item = &'a String>) -> String {
        let names: Vec<String> = texts.into_iter().map(|text| Self::new(text).0).collect();
        names.join(", ")
    }

    /// Its characters.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// What may stand in a comment of Solidity, whose tags begin with `@`, and in Markdown, quoted or not.
    pub(crate) fn comment(&self) -> Comment {
        let is_safe = |c: char| c.is_alphanumeric() || " _-.,:;+=#()[]/~".contains(c);
        let text = self.0.chars().map(|c| if is_safe(c) { c } else { '_' });
        // Two slashes would make a link of what follows.
        Comment(text.collect::<String>().replace("//", "/_"))
    }

    /// A string of Solidity with its quotes.
    pub(crate) fn literal(&self) -> Literal {
        let mut literal = "\"".to_owned();
        for byte in self.0.bytes() {
            match byte {
                b'"' | b'\\' => literal.extend(['\\', byte.into()]),
                b' '..=b'~' => literal.push(byte.into()),
                // The bytes of UTF-8 are together what they are apart.
                other => literal += &format!("\\x{other:02x}"),
            }
        }
        Literal(literal + "\"")
    }

    /// An identifier that begins with a letter, each word of the name with a capital: `digits_mlp` → `DigitsMlp`.
    /// Where the name has no letter to begin with, `prefix` comes first.
    pub(crate) fn identifier(&self, prefix: &str) -> Identifier {
        let words = self.0.split(|c: char| !c.is_ascii_alphanumeric());
        let mut name = String::new();
        for word in words.filter(|word| !word.is_empty()) {
            let (first, rest) = word.split_at(1);
            name += &first.to_ascii_uppercase();
            name += rest;
        }
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            name.insert_str(0, prefix);
        }
        name.truncate(LONGEST_IDENTIFIER);
        Identifier(name)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

macro_rules! escaped_name {
    ($(#[$comment:meta] $name:ident),*) => {$(
        #[$comment]
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub(crate) struct $name(String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

escaped_name! {
    /// What [`Name::comment`] gives.
    Comment,
    /// What [`Name::literal`] gives.
    Literal,
    /// What [`Name::identifier`] gives.
    Identifier
}

impl Identifier {
    /// The same with an ending.
    pub(crate) fn with(&self, ending: &str) -> String {
        format!("{}{ending}", self.0)
    }
}

/// Whether a character shows itself and does nothing else.
fn is_printable(c: char) -> bool {
    // `escape_debug` escapes quotes and backslashes beside what cannot be printed.
    matches!(c, '"' | '\'' | '\\') || c.escape_debug().len() == 1
}

fn escaped(c: char) -> String {
    if is_printable(c) { c.into() } else { c.escape_debug().collect() }
}

/// Lines of text in which everything else that does not show itself is escaped: for terminals.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if matches!(c, '\n' | '\t') { c.into() } else { escaped(c) }).collect()
}

/// What an error says, with what it comes from, as it can be shown.
pub fn in_full(error: &dyn std::error::Error) -> String {
    printable(&message_of(error))
}

/// The same with what does not show itself.
pub(crate) fn message_of(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        // Transparent wrappers repeat their source's words.
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        source = cause.source();
    }
    message
}

/// The same JSON with `\u` escapes in its strings for what does not show itself.
pub(crate) fn printable_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || is_printable(c) {
            shown.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(shown, "\\u{unit:04x}");
            }
        }
    }
    shown
}

/// The one of some names that somebody who wrote a text may have meant.
pub(crate) fn nearest<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    /// Names that are longer are not what anybody wrote by hand.
    const LONGEST_WRITTEN: usize = 64;
    let written = |name: &str| name.chars().take(LONGEST_WRITTEN + 1).count() <= LONGEST_WRITTEN;
    if !written(text) {
        return None;
    }
    let distances = names.filter(|name| written(name)).map(|name| (distance(text, name), name));
    let (distance, name) = distances.min_by_key(|&(distance, _)| distance)?;
    (distance <= 1 + text.chars().count() / 4).then_some(name)
}

/// How many letters have to be changed, put in or left out to make one text of another, whatever their case.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.to_lowercase().chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, &b) in other.iter().enumerate() {
            let changed = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_where_one_is_near() {
        let names = ["InvalidProof", "ProofLength", "batch"];
        let near = |text| nearest(text, names.into_iter());
        assert_eq!(near("invalidproof"), Some("InvalidProof"));
        assert_eq!(near("ProofLenght"), Some("ProofLength"));
        assert_eq!((near("bath"), near("b")), (Some("batch"), None));
        assert_eq!((near("something else"), near(&"x".repeat(1 << 20))), (None, None));
        assert_eq!((distance("", "ab"), distance("kitten", "sitting")), (2, 3));
    }

    #[test]
    fn ordinary_names_stay_as_they_are() {
        for name in
            ["x", "/conv1/Conv_output_0_quantized", "input.1", "größe", "日本", "a b", "it's"]
        {
            assert_eq!(Name::new(name).as_str(), name);
        }
    }

    #[test]
    fn other_names_become_printable_and_stay_different() {
        let shown = |name: &str| Name::new(name).as_str().to_owned();
        assert!(shown("a\nb").starts_with("a\\nb~"), "{}", shown("a\nb"));
        assert!(shown("\u{202e}abc").starts_with("\\u{202e}abc~"));
        assert!(shown("\x1b[31mred").starts_with("\\u{1b}[31mred~"));
        assert_ne!(shown("a\nb"), shown("a\\nb"));
        let long = |end: &str| shown(&("x".repeat(1 << 20) + end));
        assert!(long("").len() <= LONGEST && long("") != long("y"));
        let unprintable = shown(&"\u{202e}".repeat(1 << 20));
        assert!(unprintable.len() <= LONGEST && unprintable.chars().all(is_printable));
    }

    #[test]
    fn lists_of_names_stay_on_one_line() {
        let names = ["cat", "dog]\nplan\n  k  3", "\u{202e}\u{1b}[2J"].map(String::from);
        let list = Name::list(&names);
        assert!(list.starts_with("cat, dog]") && list.chars().all(is_printable), "{list}");
    }

    #[test]
    fn each_place_has_its_escaping() {
        let name = Name::new("a\"b\\ */ @x `|<é");
        assert_eq!(name.comment().to_string(), "a_b_ _/ _x ___é");
        assert_eq!(name.literal().to_string(), "\"a\\\"b\\\\ */ @x `|<\\xc3\\xa9\"");
        assert_eq!(name.identifier("Model").to_string(), "ABX");
        assert_eq!(Name::new("digits_mlp").identifier("Model").to_string(), "DigitsMlp");
        assert_eq!(Name::new("1st").identifier("Model").to_string(), "Model1st");
        assert_eq!(Name::new("日本").identifier("Model").to_string(), "Model");
        assert_eq!(Name::new(&"x".repeat(1000)).identifier("Model").with("Io").len(), 66);
        assert_eq!(printable("a\r\n\u{7}b\u{2066}"), "a\\r\n\\u{7}b\\u{2066}");
        assert_eq!(printable_json("\"\u{202e}\u{e0001}é\""), "\"\\u202e\\udb40\\udc01é\"");
    }
}
