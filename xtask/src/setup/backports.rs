//! Debian 12's own Mesa is 22.3, too old; its backports have 25.0. This file makes apt know them,
//! from the very mirror that the machine uses already.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::apt::{BACKPORTS, Release, as_root};
use crate::shell;

/// What the releases are called that may be here.
const RELEASES: &[&str] = &["bookworm", "trixie", "forky", "stable", "testing", "sid", "unstable"];

const FILE: &str = "/etc/apt/sources.list.d/zerohop-backports.sources";

/// Adds the backports of that release to apt's sources, unless they are there.
///
/// # Errors
///
/// No source of this machine holds the release itself, or the file cannot be written.
pub(super) fn add(release: Release) -> Result<()> {
    let texts = sources()?;
    if release != Release(12) || texts.iter().any(|(file, text)| knows(file, text, BACKPORTS)) {
        return Ok(());
    }
    let text = Mirror::of(&texts, &["bookworm"])?.source_of(BACKPORTS);
    println!("Debian 12's Mesa is too old: adding its backports in {FILE}:\n{text}");
    write_as_root(FILE, &text)
}

/// The address that this machine's Debian comes from.
///
/// # Errors
///
/// No source of this machine holds a release of Debian.
pub(super) fn mirror() -> Result<String> {
    Ok(Mirror::of(&sources()?, RELEASES)?.0.uri)
}

/// A list of sources for packages and source packages of a release that is not this machine's, from the
/// same mirror.
///
/// # Errors
///
/// As [`mirror`].
pub(super) fn source_of(suite: &str) -> Result<String> {
    let text = Mirror::of(&sources()?, RELEASES)?.source_of(suite);
    Ok(text.replacen("Types: deb", "Types: deb deb-src", 1))
}

/// apt's source files with their texts.
fn sources() -> Result<Vec<(PathBuf, String)>> {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    if let Ok(dir) = fs::read_dir("/etc/apt/sources.list.d") {
        files.extend(dir.filter_map(|entry| Some(entry.ok()?.path())));
    }
    files.retain(|file| {
        file.is_file() && file.extension().is_some_and(|end| end == "list" || end == "sources")
    });
    files.sort();
    let read = |file: PathBuf| {
        let text = fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        Ok((file, text))
    };
    files.into_iter().map(read).collect()
}

fn knows(file: &Path, text: &str, suite: &str) -> bool {
    entries(file, text).iter().any(|entry| entry.suites.iter().any(|one| one == suite))
}

/// One source of packages, whichever way it is written.
#[derive(Debug, Default, PartialEq)]
struct Entry {
    uri: String,
    suites: Vec<String>,
    components: Vec<String>,
    /// All other fields, such as `Signed-By`.
    options: Vec<(String, String)>,
}

/// The mirror that a release of Debian comes from.
#[derive(Debug)]
struct Mirror(Entry);

impl Mirror {
    fn of(texts: &[(PathBuf, String)], releases: &[&str]) -> Result<Self> {
        let found = texts.iter().find_map(|(file, text)| Self::find(file, text, releases));
        found.with_context(|| {
            let releases = releases.join(", ");
            format!("no source in /etc/apt holds {releases}: cannot tell the mirror")
        })
    }

    fn find(file: &Path, text: &str, releases: &[&str]) -> Option<Self> {
        let fits = |entry: &Entry| {
            entry.suites.iter().any(|one| releases.contains(&one.as_str()))
                && entry.components.iter().any(|one| one == "main")
        };
        entries(file, text).into_iter().find(fits).map(Self)
    }

    fn source_of(&self, suite: &str) -> String {
        let mut text =
            format!("Types: deb\nURIs: {}\nSuites: {suite}\nComponents: main\n", self.0.uri);
        for (key, value) in &self.0.options {
            text += &format!("{key}: {value}\n");
        }
        text
    }
}

fn entries(file: &Path, text: &str) -> Vec<Entry> {
    if file.extension().is_some_and(|end| end == "sources") {
        return text.split("\n\n").filter_map(stanza).collect();
    }
    text.lines().filter_map(one_line).collect()
}

/// `deb [option=value ...] URI BACKPORTS COMPONENT...`
///
/// # References
///
/// `sources.list(5)`, "one-line-style format".
fn one_line(line: &str) -> Option<Entry> {
    let rest = line.trim().strip_prefix("deb ")?.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace().map(str::to_owned);
    let options = options.split_whitespace().filter_map(|option| option.split_once('='));
    let options = options.filter(|(key, _)| *key != "arch").map(|(key, value)| {
        let key = if key == "signed-by" { "Signed-By" } else { key };
        (key.to_owned(), value.to_owned())
    });
    Some(Entry {
        options: options.collect(),
        uri: words.next()?,
        suites: vec![words.next()?],
        components: words.collect(),
    })
}

/// `Key: value` lines; one that begins with a space goes on with the line before.
///
/// # References
///
/// `sources.list(5)`, "deb822-style format".
fn stanza(text: &str) -> Option<Entry> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        if line.starts_with([' ', '\t']) {
            fields.last_mut()?.1 += &format!("\n{line}");
        } else {
            let (key, value) = line.split_once(':')?;
            fields.push((key.to_owned(), value.trim().to_owned()));
        }
    }
    let mut entry = Entry::default();
    let words = |value: &str| value.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    for (key, value) in fields {
        match key.to_ascii_lowercase().as_str() {
            "types" if !words(&value).contains(&"deb".to_owned()) => return None,
            "enabled" if value == "no" => return None,
            "types" | "enabled" | "architectures" => {}
            "uris" => entry.uri = words(&value).into_iter().next()?,
            "suites" => entry.suites = words(&value),
            "components" => entry.components = words(&value),
            _ => entry.options.push((key, value)),
        }
    }
    (!entry.uri.is_empty()).then_some(entry)
}

fn write_as_root(file: &str, text: &str) -> Result<()> {
    let mut tee: Command = as_root("tee")?;
    tee.arg(file).stdin(Stdio::piped()).stdout(Stdio::null());
    let line = shell::line(&tee);
    let mut child = tee.spawn().with_context(|| format!("cannot start `{line}`"))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(text.as_bytes())?;
    }
    if !child.wait()?.success() {
        bail!("cannot write {file}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEB822: &str = "# the machine's own\nTypes: deb\nURIs: http://mirror.example/debian\n\
        Suites: bookworm bookworm-updates\nComponents: main\nSigned-By: /usr/share/k.gpg\n\n\
        Types: deb\nURIs: http://mirror.example/security\nSuites: bookworm-security\n\
        Components: main\n";

    #[test]
    fn the_backports_come_from_the_mirror_of_the_release() {
        let mirror = Mirror::find(Path::new("a.sources"), DEB822, &["bookworm"]).unwrap();
        assert_eq!(
            mirror.source_of(BACKPORTS),
            "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm-backports\n\
             Components: main\nSigned-By: /usr/share/k.gpg\n"
        );
        let line = "deb [signed-by=/k.gpg trusted=yes] http://mirror.example/d bookworm main\n";
        let mirror = Mirror::find(Path::new("sources.list"), line, &["bookworm"]).unwrap();
        let text = mirror.source_of(BACKPORTS);
        assert!(text.contains("URIs: http://mirror.example/d\n"), "{text}");
        assert!(text.ends_with("Signed-By: /k.gpg\ntrusted: yes\n"), "{text}");
    }

    #[test]
    fn a_machine_without_the_release_has_no_mirror() {
        let other = DEB822.replace("bookworm", "trixie");
        let find = |file: &str, text: &str| Mirror::find(Path::new(file), text, &["bookworm"]);
        assert!(find("a.sources", &other).is_none());
        assert!(find("a.list", "deb-src http://m/d bookworm main").is_none());
        assert!(find("a.list", "# deb http://m/d bookworm main").is_none());
        let any = Mirror::find(Path::new("a.sources"), &other, RELEASES).unwrap();
        assert_eq!(any.0.uri, "http://mirror.example/debian");
    }

    #[test]
    fn sources_that_are_switched_off_do_not_count() {
        let off = format!("Enabled: no\n{}", DEB822.split("\n\n").next().unwrap());
        assert_eq!(entries(Path::new("a.sources"), &off), []);
        assert!(!knows(Path::new("a.sources"), DEB822, BACKPORTS));
        assert!(knows(Path::new("a.sources"), DEB822, "bookworm-updates"));
    }
}
