//! A viem module for a contract: its ABI with types, and the few calls that a front end makes.

use askama::Template;
use serde_json::Value;

/// `Name.viem.mjs`.
#[derive(Template)]
#[template(path = "viem.mjs", escape = "none")]
struct Module<'a> {
    name: &'a str,
    abi: &'a str,
    vk_digest: &'a str,
    num_instances: usize,
}

/// `Name.viem.d.mts`.
#[derive(Template)]
#[template(path = "viem.d.mts", escape = "none")]
struct Types<'a> {
    abi: &'a str,
    vk_digest: &'a str,
    num_instances: usize,
}

/// The module and its types.
pub fn module(name: &str, abi: &Value, vk_digest: &str, num_instances: usize) -> (String, String) {
    let filled = |text: Result<String, askama::Error>| {
        // Askama drops a template's last line break.
        text.expect("these templates are filled with texts and numbers") + "\n"
    };
    let values = format!("{abi:#}");
    let module = Module { name, abi: &values, vk_digest, num_instances };
    let types = Types { abi: &literal(abi), vk_digest, num_instances };
    (filled(module.render()), filled(types.render()))
}

/// The TypeScript type that has this value alone: what `as const` would infer.
fn literal(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(literal).collect();
            format!("readonly [{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, value)| {
                    format!("readonly {}: {}", Value::from(name.as_str()), literal(value))
                })
                .collect();
            format!("{{ {} }}", fields.join("; "))
        }
        scalar => scalar.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_as_narrow_as_the_values() {
        let abi = serde_json::json!([{ "type": "error", "inputs": [], "anonymous": false }]);
        assert_eq!(
            literal(&abi),
            r#"readonly [{ readonly "anonymous": false; readonly "inputs": readonly []; readonly "type": "error" }]"#
        );
    }
}
