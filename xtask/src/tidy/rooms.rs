//! The table of rooms in ARCHITECTURE.md.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, bail};

use crate::project;

/// One room as the table has it.
#[derive(Debug, PartialEq)]
pub(super) struct Room {
    /// The rooms it may use.
    pub(super) uses: Vec<String>,
    /// Whether `unsafe` is allowed there.
    pub(super) may_be_unsafe: bool,
}

/// By the name of the folder.
pub(super) type Rooms = BTreeMap<String, Room>;

/// Reads the table between the two marks in ARCHITECTURE.md.
///
/// # Errors
///
/// It is not there, or a row has another form.
pub(super) fn table() -> Result<Rooms> {
    let file = project::root().join("ARCHITECTURE.md");
    let text = fs::read_to_string(&file).context("read ARCHITECTURE.md")?;
    parse(&text).context("the table of rooms in ARCHITECTURE.md")
}

fn parse(text: &str) -> Result<Rooms> {
    let begin = text.find("<!-- rooms -->").context("has no `<!-- rooms -->` before it")?;
    let end = text.find("<!-- /rooms -->").context("has no `<!-- /rooms -->` after it")?;
    let table = text.get(begin..end).context("ends before it begins")?;
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    rows.map(row).collect()
}

/// `| name | its door | may use | unsafe |`
fn row(line: &str) -> Result<(String, Room)> {
    let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
    let [name, _door, uses, unsafety] = cells[..] else {
        bail!("has a row with {} cells, not 4: {line}", cells.len());
    };
    let may_be_unsafe = match unsafety {
        "yes" => true,
        "forbidden" => false,
        other => bail!("says {other:?} where `yes` or `forbidden` belongs: {line}"),
    };
    let uses = uses.split(',').map(|one| one.trim().trim_matches('`').to_owned());
    let uses = uses.filter(|one| !one.is_empty() && one != "-").collect();
    Ok((name.trim_matches('`').to_owned(), Room { uses, may_be_unsafe }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_as_written() {
        let text = "x\n<!-- rooms -->\n| room | door | may use | unsafe |\n|---|---|---|---|\n\
            | `wire` | `Message` | `frame`, `kernel` | forbidden |\n\
            | `kernel` | `Socket` | - | yes |\n<!-- /rooms -->\n";
        let rooms = parse(text).unwrap();
        assert_eq!(rooms["wire"].uses, ["frame", "kernel"]);
        assert!(!rooms["wire"].may_be_unsafe);
        assert_eq!(rooms["kernel"], Room { uses: vec![], may_be_unsafe: true });
        let wrong = text.replace("forbidden", "maybe");
        let err = parse(&wrong).unwrap_err().to_string();
        assert!(err.starts_with("says \"maybe\" where"), "{err}");
    }
}
