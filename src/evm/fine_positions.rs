//! Source positions inside assembly blocks that were compiled through the IR.
//!
//! With `viaIR`, solc's source map gives one position for a whole `assembly` block: the compiler prints
//! the block into its intermediate Yul without positions. A verifier is one such block, so nothing
//! could be told about its lines. But solc accepts its own intermediate Yul as input and makes the
//! same bytecode of it, and that Yul names positions in comments. So: take the Yul, write the missing
//! comments into it, compile again, and if the bytecode is the same to the byte, use the new source
//! map.
//!
//! Which statement of the source a line of Yul comes from needs no guessing: inside the block both
//! are the same sequence of tokens, only spelled differently (`x` is `usr$x`, a constant its value).

use std::ops::Range;

use serde_json::{Value, json};

use super::{DebugInfo, EvmError, SourceFile, error::hex, source::positions};

impl DebugInfo {
    /// Asks a compiler for the positions of a contract, as fine as they can be had.
    ///
    /// `input` is solc's standard JSON with the contents of its sources, of which `file` has the
    /// `contract` that was deployed with `creation_code`; `compile` runs the compiler on such an input
    /// and gives its output. With `viaIR` it runs twice.
    pub fn from_compiler<E: From<EvmError>>(
        input: &Value,
        file: &str,
        contract: &str,
        creation_code: &[u8],
        mut compile: impl FnMut(&Value) -> Result<Value, E>,
    ) -> Result<Self, E> {
        let mut with_map = input.clone();
        with_map["settings"]["outputSelection"] =
            json!({ file: { contract: Self::WANTED_OUTPUT } });
        let output = compile(&with_map)?;
        let compiled = &output["contracts"][file][contract];
        let object = compiled["evm"]["bytecode"]["object"].as_str();
        if object.is_some_and(|object| object != hex(creation_code)) {
            return Err(EvmError::OtherBytecode { contract: contract.to_owned() }.into());
        }
        Self::from_output(input, &output, file, contract, compile)
    }

    /// What a compiler has to be asked for, so that [`from_output`](Self::from_output) can use its output.
    pub const WANTED_OUTPUT: [&str; 3] =
        ["evm.bytecode.object", "evm.deployedBytecode.sourceMap", "ir"];

    /// As [`from_compiler`](Self::from_compiler), from an output that is there already.
    pub fn from_output<E: From<EvmError>>(
        input: &Value,
        output: &Value,
        file: &str,
        contract: &str,
        mut compile: impl FnMut(&Value) -> Result<Value, E>,
    ) -> Result<Self, E> {
        let via_ir = input["settings"]["viaIR"].as_bool().unwrap_or(false);
        let compiled = &output["contracts"][file][contract];
        let source_map = compiled["evm"]["deployedBytecode"]["sourceMap"].as_str();
        let source_map = source_map.ok_or_else(|| EvmError::CompilerOutput {
            reason: first_error(output).unwrap_or("it has no source map").to_owned(),
        })?;
        let mut debug = Self {
            source_map: source_map.to_owned(),
            files: source_files(input, output).unwrap_or_default(),
            is_coarse: via_ir,
        };
        if let (true, Some(ir)) = (via_ir, compiled["ir"].as_str()) {
            let yul = FineYul::new(ir, &debug.files);
            let again = compile(&yul_input(input, &yul.text))?;
            if let Some(fine) = same_bytecode(&again, compiled) {
                debug.source_map = yul.source_map(fine)?;
                debug.is_coarse = false;
            }
        }
        Ok(debug)
    }
}

fn first_error(output: &Value) -> Option<&str> {
    let errors = output["errors"].as_array()?;
    errors.iter().find(|error| error["severity"] == "error")?["message"].as_str()
}

/// The sources with the numbers that the compiler gave them.
fn source_files(input: &Value, output: &Value) -> Option<Vec<SourceFile>> {
    let known = output["sources"].as_object()?;
    let files = known.iter().filter_map(|(name, source)| {
        Some(SourceFile {
            id: u32::try_from(source["id"].as_u64()?).ok()?,
            name: name.clone(),
            text: input["sources"][name]["content"].as_str()?.to_owned(),
        })
    });
    Some(files.collect())
}

/// An input that compiles Yul with the settings of another input.
fn yul_input(input: &Value, yul: &str) -> Value {
    let mut settings = json!({
        "outputSelection": { "*": { "*": ["evm.bytecode.object", "evm.deployedBytecode.sourceMap"] } },
    });
    for kept in ["optimizer", "evmVersion", "libraries"] {
        if let Some(value) = input["settings"].get(kept) {
            settings[kept] = value.clone();
        }
    }
    json!({ "language": "Yul", "sources": { "fine.yul": { "content": yul } }, "settings": settings })
}

/// The source map in `output`, if the bytecode beside it is that of `compiled`.
fn same_bytecode<'a>(output: &'a Value, compiled: &Value) -> Option<&'a str> {
    let contracts = output["contracts"]["fine.yul"].as_object()?;
    let evm = &contracts.values().next()?["evm"];
    let same =
        evm["bytecode"]["object"].as_str()? == compiled["evm"]["bytecode"]["object"].as_str()?;
    evm["deployedBytecode"]["sourceMap"].as_str().filter(|_| same)
}

/// Intermediate Yul with a position for every line of its assembly blocks.
struct FineYul {
    text: String,
    /// All sources are one to the Yul compiler: each begins where the one before it ends.
    begins: Vec<(u32, usize)>,
}

impl FineYul {
    fn new(ir: &str, files: &[SourceFile]) -> Self {
        let mut end = 0;
        let mut begins = Vec::new();
        for file in files {
            begins.push((file.id, end));
            end += file.text.len() + 1;
        }
        let mut yul = Self { text: String::with_capacity(2 * ir.len()), begins };
        let mut rest = ir;
        while let Some(line_end) = rest.find('\n') {
            let (line, after) = rest.split_at(line_end + 1);
            rest = after;
            if line.trim_start().starts_with("/// @use-src") {
                yul.text.push_str("/// @use-src 0:\"all\"\n");
                continue;
            }
            let position = yul.push_line(line);
            if let Some((id, range)) = position
                && let Some(file) = files.iter().find(|file| file.id == id)
                && let Some(statement) = file.text.get(range.clone())
                && statement.starts_with("assembly")
                && let Some(length) = yul.push_block(rest, id, range, statement)
            {
                rest = &rest[length..];
            }
        }
        yul.text.push_str(rest);
        yul
    }

    /// Copies a line with its positions moved to the one source. Gives the last position as it was.
    fn push_line(&mut self, line: &str) -> Option<(u32, Range<usize>)> {
        let mut last = None;
        let mut rest = line;
        while let Some(at) = rest.find("@src ") {
            let (before, after) = rest.split_at(at + "@src ".len());
            self.text.push_str(before);
            let length = after
                .find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '-'))
                .unwrap_or(after.len());
            let (numbers, after) = after.split_at(length);
            match parse_position(numbers) {
                Some((id, range)) => {
                    self.push_position(id, &range);
                    last = Some((id, range));
                }
                None => self.text.push_str(numbers),
            }
            rest = after;
        }
        self.text.push_str(rest);
        last
    }

    fn push_position(&mut self, id: u32, range: &Range<usize>) {
        let begin = self.begins.iter().find(|(known, _)| *known == id);
        match begin {
            Some((_, begin)) => {
                self.text.push_str(&format!("0:{}:{}", begin + range.start, begin + range.end));
            }
            // A source without text: as generated code.
            None => self.text.push_str("-1:-1:-1"),
        }
    }

    /// Copies the assembly block that `yul` starts with, a position before every line. Gives the length
    /// of what was copied; nothing, and copies nothing, unless the block is `statement`'s.
    fn push_block(
        &mut self,
        yul: &str,
        id: u32,
        range: Range<usize>,
        statement: &str,
    ) -> Option<usize> {
        let ours = block_tokens(statement)?;
        let theirs = block_tokens(yul)?;
        let corresponds = ours.len() == theirs.len()
            && ours.iter().zip(&theirs).all(|(our, their)| {
                let (our, their) = (&statement[our.clone()], &yul[their.clone()]);
                if is_symbol(our) || is_symbol(their) { our == their } else { true }
            });
        if !corresponds {
            return None;
        }
        let start = theirs.first()?.start;
        let end = theirs.last()?.end;
        self.text.push_str(&yul[..start]);
        let mut copied = start;
        for (our, their) in ours.iter().zip(&theirs) {
            let gap = &yul[copied..their.start];
            self.text.push_str(gap);
            if gap.contains('\n') {
                let position = range.start + our.start..range.start + our.end;
                self.text.push_str("/// @src ");
                self.push_position(id, &position);
                self.text.push('\n');
            }
            self.text.push_str(&yul[their.clone()]);
            copied = their.end;
        }
        self.text.push_str("\n/// @src ");
        self.push_position(id, &range);
        self.text.push('\n');
        Some(end)
    }

    /// The source map of the bytecode, with the sources taken apart again.
    fn source_map(&self, map: &str) -> Result<String, EvmError> {
        let entries = positions(map).map(|entry| {
            let (start, _) = entry?;
            let file = self.begins.iter().rev().find(|(_, begin)| *begin <= start);
            Ok(match file.filter(|_| start != usize::MAX) {
                Some((id, begin)) => format!("{}:0:{id}", start - begin),
                None => "-1:0:-1".to_owned(),
            })
        });
        Ok(entries.collect::<Result<Vec<_>, EvmError>>()?.join(";"))
    }
}

/// `id:start:end`; nothing where it says that there is no position.
fn parse_position(numbers: &str) -> Option<(u32, Range<usize>)> {
    let mut fields = numbers.split(':');
    let id = fields.next()?.parse().ok()?;
    let range = fields.next()?.parse().ok()?..fields.next()?.parse().ok()?;
    fields.next().is_none().then_some((id, range))
}

fn is_symbol(token: &str) -> bool {
    !token.starts_with(|c: char| c.is_alphanumeric() || "_$.\"'".contains(c))
}

/// The tokens of the first block in `text`, braces included, comments left out.
fn block_tokens(text: &str) -> Option<Vec<Range<usize>>> {
    let mut tokens = Vec::new();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(token) = next_token(text, at) {
        at = token.end;
        match &text[token.clone()] {
            "{" => depth += 1,
            "}" => depth = depth.checked_sub(1)?,
            _ if depth == 0 => continue,
            _ => {}
        }
        tokens.push(token);
        if depth == 0 {
            return Some(tokens);
        }
    }
    None
}

fn next_token(text: &str, mut at: usize) -> Option<Range<usize>> {
    loop {
        let rest = text.get(at..)?;
        let first = rest.chars().next()?;
        if first.is_whitespace() {
            at += first.len_utf8();
        } else if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if let Some(comment) = rest.strip_prefix("/*") {
            at += comment.find("*/").map_or(rest.len(), |end| end + 4);
        } else {
            return Some(at..at + token_length(rest, first));
        }
    }
}

fn token_length(rest: &str, first: char) -> usize {
    let word = |c: char| c.is_alphanumeric() || "_$.".contains(c);
    if word(first) {
        let length = rest.find(|c| !word(c)).unwrap_or(rest.len());
        // hex"…" is one literal.
        return match rest[length..].chars().next() {
            Some(quote @ ('"' | '\'')) if &rest[..length] == "hex" => {
                length + token_length(&rest[length..], quote)
            }
            _ => length,
        };
    }
    if first == '"' || first == '\'' {
        let mut escaped = false;
        for (at, c) in rest.char_indices().skip(1) {
            if escaped {
                escaped = false;
            } else if c == '\\' {
                escaped = true;
            } else if c == first {
                return at + 1;
            }
        }
        return rest.len();
    }
    let two = ["->", ":="].iter().any(|symbol| rest.starts_with(symbol));
    if two { 2 } else { first.len_utf8() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "contract C {\n  assembly (\"memory-safe\") {\n    // {\n    let x := R\n    x := add(x.offset, 1)\n  }\n}\n";
    const IR: &str = "/// @use-src 7:\"C.sol\"\nobject \"C\" {\n    /// @src 7:15:95  \"assembly...\"\n    {\n        let usr$x := 0x30\n        usr$x := add(var_x_3_offset, 1)\n    }\n    /// @src 7:0:98\n    let y\n}\n";

    fn files() -> Vec<SourceFile> {
        let file = |id, text: &str| SourceFile { id, name: String::new(), text: text.to_owned() };
        vec![file(3, "0123456789"), file(7, SOURCE)]
    }

    #[test]
    fn every_line_of_the_block_gets_its_position() {
        let yul = FineYul::new(IR, &files());
        let at = |text: &str| 11 + SOURCE.find(text).unwrap();
        for (text, line) in
            [("let x", "let usr$x := 0x30"), ("x := add", "usr$x := add(var_x_3_offset, 1)")]
        {
            let start = at(text);
            let end = start + text.split(' ').next().unwrap().len();
            let expected = format!("/// @src 0:{start}:{end}\n{line}");
            assert!(yul.text.contains(&expected), "{expected} in {}", yul.text);
        }
        assert!(yul.text.contains("/// @use-src 0:\"all\"\n"));
        assert!(yul.text.contains("}\n/// @src 0:26:106\n"), "{}", yul.text);
        assert!(yul.text.contains("/// @src 0:11:109\n    let y\n}\n"), "{}", yul.text);
    }

    #[test]
    fn nothing_but_positions_is_added() {
        let yul = FineYul::new(IR, &files());
        let code = |text: &str| -> Vec<String> {
            let lines = text.lines().map(str::trim).filter(|line| !line.starts_with("///"));
            lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
        };
        assert_eq!(code(&yul.text), code(IR));
    }

    #[test]
    fn blocks_that_differ_are_left_alone() {
        let other = IR.replace("add(var_x_3_offset, 1)", "add(1)");
        let yul = FineYul::new(&other, &files());
        assert_eq!(yul.text.matches("@src ").count(), 2);
    }

    #[test]
    fn maps_are_taken_apart_by_source() {
        let yul = FineYul::new(IR, &files());
        assert_eq!(yul.source_map("3:1;14;-1:-1").unwrap(), "3:0:3;3:0:7;-1:0:-1");
    }

    #[test]
    fn broken_text_does_no_harm() {
        for text in [
            "",
            "/// @src 7:15:95\n",
            "/// @src 7:15:95\n{",
            "/// @src 7:15:999\n{ }\n",
            "\"",
            "@src ",
        ] {
            FineYul::new(text, &files());
        }
    }
}
