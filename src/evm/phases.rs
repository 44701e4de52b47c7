//! Finds the phases that a contract's source announces.
//!
//! A comment `// @phase transcript` says that the code from there on, to the next such comment or to
//! the end of the block, belongs to the phase `transcript`. Blocks inside inherit the phase. A
//! function starts without one: it works for whoever calls it, so the gas of a helper counts for
//! the phase of its caller.

use std::ops::Range;

/// Stretches of source text that belong to a phase. Those that do not belong to any are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PhaseRegions {
    /// Names in order of first appearance.
    pub names: Vec<String>,
    /// Disjoint, ascending byte ranges with the index of their name.
    regions: Vec<(Range<usize>, usize)>,
}

impl PhaseRegions {
    pub fn find(source: &str) -> Self {
        let mut found = Self::default();
        let mut current: Option<usize> = None;
        let mut since = 0;
        let mut enclosing: Vec<Option<usize>> = Vec::new();
        // Inside a function's head: the phase around the function.
        let mut around: Option<Option<usize>> = None;

        let mut scanner = Scanner { source, at: 0 };
        while let Some((start, token)) = scanner.next() {
            let (from, next) = match token {
                Token::Comment(text) => match marker(text) {
                    Some(name) => (scanner.at, Some(found.intern(name))),
                    None => continue,
                },
                Token::Word("function") if around.is_none() => {
                    around = Some(current);
                    (start, None)
                }
                Token::Word(_) => continue,
                Token::Open => {
                    enclosing.push(around.take().unwrap_or(current));
                    continue;
                }
                Token::Close => (scanner.at, enclosing.pop().flatten()),
                // A function without a body.
                Token::End => match around.take() {
                    Some(phase) => (scanner.at, phase),
                    None => continue,
                },
            };
            if next != current {
                found.push(since..from, current);
                (current, since) = (next, from);
            }
        }
        found.push(since..source.len(), current);
        found
    }

    /// The phase of the code at this byte of the source.
    pub fn at(&self, offset: usize) -> Option<usize> {
        let after = self.regions.partition_point(|(range, _)| range.start <= offset);
        let (range, phase) = self.regions.get(after.checked_sub(1)?)?;
        range.contains(&offset).then_some(*phase)
    }

    fn intern(&mut self, name: &str) -> usize {
        if let Some(known) = self.names.iter().position(|other| other == name) {
            return known;
        }
        self.names.push(name.to_owned());
        self.names.len() - 1
    }

    fn push(&mut self, range: Range<usize>, phase: Option<usize>) {
        if let Some(phase) = phase
            && !range.is_empty()
        {
            self.regions.push((range, phase));
        }
    }
}

/// The name in a comment's text, if it is a marker.
fn marker(comment: &str) -> Option<&str> {
    let name = comment.trim_start_matches('/').trim_start().strip_prefix("@phase")?;
    name.starts_with(char::is_whitespace).then(|| name.split_whitespace().next())?
}

enum Token<'a> {
    /// A line comment, with its slashes.
    Comment(&'a str),
    Word(&'a str),
    Open,
    Close,
    /// A semicolon: what was begun ends.
    End,
}

struct Scanner<'a> {
    source: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    /// The next token with where it starts.
    fn next(&mut self) -> Option<(usize, Token<'a>)> {
        loop {
            let start = self.at;
            let rest = &self.source[start..];
            let first = rest.chars().next()?;
            if rest.starts_with("//") {
                let end = rest.find('\n').unwrap_or(rest.len());
                self.at += end;
                return Some((start, Token::Comment(rest[..end].trim_end())));
            }
            if let Some(comment) = rest.strip_prefix("/*") {
                self.at += comment.find("*/").map_or(rest.len(), |end| end + 4);
                continue;
            }
            if first.is_alphabetic() || first == '_' || first == '$' {
                let end = rest
                    .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))
                    .unwrap_or(rest.len());
                self.at += end;
                return Some((start, Token::Word(&rest[..end])));
            }
            if first == '"' || first == '\'' {
                self.at += string_length(rest, first);
                continue;
            }
            self.at += first.len_utf8();
            match first {
                '{' => return Some((start, Token::Open)),
                '}' => return Some((start, Token::Close)),
                ';' => return Some((start, Token::End)),
                _ => {}
            }
        }
    }
}

/// Length of the string literal that `text` starts with, quotes included.
fn string_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            // A string ends with its line at the latest, so an apostrophe out of place does no harm.
            '\n' => return at,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r#"
contract Verifier {
    // This is no marker: @phase nothing. Neither is "// @phase text".
    string constant S = "// @phase text }";
    function verify(bytes calldata proof) external view {
        uint256 before;
        assembly {
            function helper(a) -> b { b := mul(a, a) }
            // @phase transcript
            let x := helper(1)
            function late(a) -> b { b := add(a, a) }
            for { let i := 0 } lt(i, 2) { i := add(i, 1) } { x := i }
            // @phase msm
            { let y := 2 }
            /* @phase comment */
            let z := 3
        }
        uint256 behind;
    }
}
"#;

    fn phase_of(text: &str) -> Option<String> {
        let regions = PhaseRegions::find(SOURCE);
        let at = SOURCE.find(text).expect("the text is in the source");
        regions.at(at).map(|phase| regions.names[phase].clone())
    }

    #[test]
    fn markers_hold_to_the_next_one_or_to_the_end_of_the_block() {
        assert_eq!(phase_of("contract"), None);
        assert_eq!(phase_of("uint256 before"), None);
        assert_eq!(phase_of("let x").as_deref(), Some("transcript"));
        assert_eq!(phase_of("x := i").as_deref(), Some("transcript"));
        assert_eq!(phase_of("let y").as_deref(), Some("msm"));
        assert_eq!(phase_of("let z").as_deref(), Some("msm"));
        assert_eq!(phase_of("uint256 behind"), None);
    }

    #[test]
    fn functions_work_for_their_callers() {
        assert_eq!(phase_of("b := mul"), None);
        assert_eq!(phase_of("function late"), None);
        assert_eq!(phase_of("b := add"), None);
        assert_eq!(phase_of("lt(i, 2)").as_deref(), Some("transcript"));
    }

    #[test]
    fn names_are_in_order_of_appearance() {
        assert_eq!(PhaseRegions::find(SOURCE).names, ["transcript", "msm"]);
        assert_eq!(PhaseRegions::find(""), PhaseRegions::default());
    }

    #[test]
    fn unbalanced_text_does_no_harm() {
        for text in ["}}} // @phase a", "/*", "\"", "'\\", "{ // @phase \n é {", "//", "/"] {
            PhaseRegions::find(text);
        }
    }
}
