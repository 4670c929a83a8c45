//! How long functions are.

use super::Findings;
use super::rust_file::RustFile;

/// Lines of code that deserve a word.
const USUAL: usize = 25;
/// Lines of code that need a reason.
const MOST: usize = 40;

/// Mentions long functions, and refuses very long ones without a reason.
pub(super) fn check(file: &RustFile, findings: &mut Findings) {
    for function in functions(&file.code) {
        let place = format!("{}:{}", file.path.display(), function.line);
        let said = format!("{place}: fn {} has {} lines", function.name, function.lines);
        if function.lines > MOST && !has_reason(&file.text, &function) {
            findings.fault(format!("{said} of code and no `// Long because …`"));
        } else if function.lines > USUAL {
            findings.remark(said);
        }
    }
}

/// A function with a body.
#[derive(Debug, PartialEq)]
struct Function {
    name: String,
    /// Where its `fn` stands, from 1.
    line: usize,
    /// The last line of its body, from 1.
    end: usize,
    /// Lines with code, between its braces.
    lines: usize,
}

fn functions(code: &str) -> Vec<Function> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + 3..];
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if let (false, Some((open, close))) = (name.is_empty(), body(rest)) {
            let line = 1 + code[..at].matches('\n').count();
            let inside = &rest[open + 1..close];
            let lines = inside.lines().filter(|line| !line.trim().is_empty()).count();
            let end = line + rest[..close].matches('\n').count();
            found.push(Function { name, line, end, lines });
        }
    }
    found
}

/// The braces of the function whose name begins `rest`; none for a declaration.
fn body(rest: &str) -> Option<(usize, usize)> {
    let (mut round, mut curly, mut open) = (0_i32, 0_i32, None);
    for (at, c) in rest.char_indices() {
        match c {
            '(' | '[' => round += 1,
            ')' | ']' => round -= 1,
            ';' if round == 0 && open.is_none() => return None,
            '{' => {
                curly += 1;
                // A brace inside parentheses belongs to a constant in a type.
                if round == 0 && open.is_none() {
                    (open, curly) = (Some(at), 1);
                }
            }
            '}' => {
                curly -= 1;
                if curly == 0
                    && let Some(open) = open
                {
                    return Some((open, at));
                }
            }
            _ => {}
        }
    }
    None
}

/// Looks in the function and in the comments and attributes right above it.
fn has_reason(text: &str, function: &Function) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    let above = lines[..function.line - 1].iter().rev();
    let above = above.take_while(|line| {
        let line = line.trim_start();
        line.starts_with("//") || line.starts_with('#')
    });
    let within = lines[function.line - 1..function.end.min(lines.len())].iter();
    above.chain(within).any(|line| line.contains("Long because"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_counted_without_blank_lines() {
        let code = "fn a(x: [u8; 3]) -> u8 {\n    one();\n\n    two()\n}\nfn b();\nfn c() {}\n";
        let found = functions(code);
        let names: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.lines)).collect();
        assert_eq!(names, [("a", 2), ("c", 0)]);
        assert_eq!((found[0].line, found[0].end), (1, 5));
    }

    #[test]
    fn function_pointers_are_no_functions() {
        assert_eq!(functions("struct A { f: fn (u8), g: unsafe extern \"C\" fn (u8) }"), []);
    }

    #[test]
    fn a_reason_stands_above_or_within() {
        let text = "// Long because it is a table.\n#[inline]\nfn a() {\n}\nfn b() {\n}\n";
        let found = functions(text);
        assert!(has_reason(text, &found[0]));
        assert!(!has_reason(text, &found[1]));
    }
}
