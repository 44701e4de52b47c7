//! Names as whoever wants to do harm would choose them.

/// What is dangerous somewhere.
const FRAGMENTS: [&str; 40] = [
    "\n",
    "\r\n",
    "\"",
    "'",
    "\\",
    "*/",
    "/*",
    "//",
    "\n@dev",
    "@custom:x",
    "`",
    "|",
    "<script>alert(1)</script>",
    "</script>",
    "<!--",
    "&lt;",
    "\u{202e}",
    "\u{2066}",
    "\u{200b}",
    "\u{feff}",
    "\u{2028}",
    "\u{2029}",
    "\u{85}",
    "\u{1b}[31m",
    "\u{1b}]0;title\u{7}",
    "\u{7f}",
    "\0",
    "\u{e0001}",
    "{{ 7 }}",
    "${x}",
    "$(id)",
    "; id",
    "../../x",
    "CON",
    "日本",
    "é",
    "e\u{301}",
    "😀",
    "%s%n",
    "\\x0a\\u000a",
];

/// Two hundred and some hostile names.
pub fn hostile_names() -> Vec<String> {
    let mut names: Vec<String> = vec![];
    for fragment in FRAGMENTS {
        names.push(fragment.to_owned());
        names.push(format!("x{fragment}y"));
        names.push(format!("{fragment}{fragment}{fragment}"));
        names.push(format!("model{fragment}\n}}}}\ncontract Pwned {{}}\n// {fragment}"));
        names.push(format!("{fragment}\"; contract Pwned {{}} string constant y = \""));
    }
    // What the projects' own contracts and constants are called.
    let taken = [
        "Inference",
        "request",
        "single_model",
        "i_model",
        "i_halo2",
        "elements_per",
        "contract",
        "1",
        "a 2",
        "a2",
    ];
    names.extend(taken.map(str::to_owned));
    names.extend(
        ["x", "\u{202e}", "\n", "*/"].map(|fragment| fragment.repeat((1 << 20) / fragment.len())),
    );
    names
}

/// Whether text shows all that is in it, line by line.
pub fn shows_all(text: &str) -> bool {
    let is_raw = |c: char| {
        c.is_control() && c != '\n'
            || matches!(
                c,
                '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
                    | '\u{e0000}'..='\u{e007f}'
            )
    };
    !text.contains(is_raw) && !text.lines().any(|line| line.starts_with("contract Pwned"))
}
