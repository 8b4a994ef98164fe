//! The file of limits that `[risk]` names: read, checked for its signature where one is demanded, laid under the keys
//! of the scenario.

use std::fs;
use std::path::Path;

use genovo_engine::ids::Hash;
use genovo_engine::signature::PublicKey;

use super::{Document, Entry, Node, Origin, Source, Spot, Value, get, near, overlay, parse};
use crate::error::Failure;
use crate::signing::{NotSigned, SECRET, Signed, beside};

/// What a signature of limits is for.
pub const PURPOSE: &str = "genovo limits";
/// The most that is shown of what is no key; a key has 72 characters.
const PART_MAX: usize = 80;

/// A file of limits.
#[derive(Debug)]
pub struct Limits {
    /// Its keys.
    pub entries: Vec<Entry>,
    /// The BLAKE3 of its text.
    pub hash: Hash,
    /// Who signed it, where a signature is demanded.
    pub signer: Option<PublicKey>,
}

/// The keys of a text: parted by commas or lines, what follows a `#` is left out; or what is wrong with a part.
pub fn keys_in(text: &str) -> Result<Vec<PublicKey>, String> {
    let parts = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    let parts = parts.flat_map(|line| line.split(',')).map(str::trim).filter(|part| !part.is_empty());
    let mut keys: Vec<PublicKey> =
        parts.map(|part| PublicKey::parse(part).ok_or_else(|| no_key(part))).collect::<Result<_, _>>()?;
    keys.sort();
    keys.dedup();
    Ok(keys)
}

fn no_key(part: &str) -> String {
    if part.starts_with(SECRET) {
        return "a secret key stands where public keys go: name the file with .pub".to_string();
    }
    let shown: String = part.chars().take(PART_MAX).collect();
    let more = if shown.len() < part.len() { "…" } else { "" };
    format!("`{shown}{more}` is no public key")
}

impl Document {
    /// Reads the file that `[risk] limits` names, if it names one, and lays the keys of `[risk]` over it.
    pub(super) fn lay_over_limits(&mut self) -> Result<(), Failure> {
        let risk = self.root.iter_mut().find(|entry| entry.key == "risk");
        let Some(Value::Table(own)) = risk.map(|entry| &mut entry.node.value) else { return Ok(()) };
        let mut own = std::mem::take(own);
        let keys = self.own_keys(&mut own)?;
        let named = get(&own, "limits").map(|entry| entry.node.clone());
        let merged = match named {
            Some(named) => self.under(&named, own, keys)?,
            None => own,
        };
        if let Some(risk) = self.root.iter_mut().find(|entry| entry.key == "risk") {
            risk.node.value = Value::Table(merged);
        }
        Ok(())
    }

    /// The keys that `limits_keys` says: in a list, in a text, or in the file that it names. They stand there as one
    /// text from now on.
    fn own_keys(&self, own: &mut [Entry]) -> Result<Option<Vec<PublicKey>>, Failure> {
        let Some(entry) = own.iter_mut().find(|entry| entry.key == "limits_keys") else { return Ok(None) };
        let spot = entry.node.spot;
        let text = match &entry.node.value {
            Value::Text(text) if text.trim_start().starts_with(PublicKey::PREFIX) => text.clone(),
            Value::Text(path) => {
                let path = self.folder(spot).join(path);
                fs::read_to_string(&path).map_err(|error| {
                    let why = if path.exists() { error.to_string() } else { near(&path) };
                    self.failure(format!("cannot read the keys {}", path.display()), spot, "named here")
                        .help(why)
                })?
            }
            Value::List(items) => {
                let texts = items.iter().map(|item| item.as_scalar().unwrap_or_default());
                texts.collect::<Vec<_>>().join(",")
            }
            _ => return Err(self.failure("`limits_keys` are no keys", spot, "write [\"ed25519:…\"]")),
        };
        let keys = keys_in(&text).map_err(|wrong| {
            self.failure(wrong, spot, "named here")
                .help("a key is `ed25519:` and 64 digits, as in the .pub file of genovo limits key")
        })?;
        if keys.is_empty() {
            let label = "name one, or leave it out";
            return Err(self.failure("`limits_keys` has no key", spot, label));
        }
        let texts: Vec<String> = keys.iter().map(ToString::to_string).collect();
        entry.node.value = Value::Text(texts.join(", "));
        Ok(Some(keys))
    }

    /// The keys of `[risk]` with those of the file of limits under them.
    fn under(
        &mut self,
        named: &Node,
        own: Vec<Entry>,
        keys: Option<Vec<PublicKey>>,
    ) -> Result<Vec<Entry>, Failure> {
        let Value::Text(path) = &named.value else {
            return Err(self.failure("`limits` is not a path", named.spot, "write \"limits.toml\""));
        };
        let path = self.folder(named.spot).join(path);
        let text = fs::read_to_string(&path).map_err(|error| {
            let message = format!("cannot read the limits {}", path.display());
            let why = match error.kind() {
                std::io::ErrorKind::NotFound => near(&path),
                _ => error.to_string(),
            };
            self.failure(message, named.spot, "named here").help(why)
        })?;
        let demanded = self.demanded(&path, named.spot, keys)?;
        let signer = match &demanded {
            Some(keys) => Some(self.signer(&path, &text, named.spot, keys)?),
            None => None,
        };
        let source = self.sources.len();
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        let origin = Origin::Extended(std::cmp::Reverse(usize::MAX));
        self.sources.push(Source { name: path.display().to_string(), text: text.clone(), folder, origin });
        let entries = parse(&text, source).map_err(|(message, spot, label)| {
            self.failure(message, spot, label).help("limits are keys of [risk], such as max_total = \"4 %\"")
        })?;
        for (key, message) in [
            ("limits", "limits name no further limits"),
            ("limits_keys", "a file of limits cannot say who may sign it"),
        ] {
            if let Some(entry) = get(&entries, key) {
                let help = "keys stand in the scenario, or in a file beside this one that ends in .keys";
                return Err(self.failure(message, entry.spot, "leave it out").help(help));
            }
        }
        let hash = Hash(*blake3::hash(text.as_bytes()).as_bytes());
        let mut merged = entries.clone();
        overlay(&mut merged, own);
        if let Some(keys) = demanded {
            let texts: Vec<String> = keys.iter().map(ToString::to_string).collect();
            let value = Value::Text(texts.join(", "));
            match merged.iter_mut().find(|entry| entry.key == "limits_keys") {
                Some(entry) => entry.node.value = value,
                None => {
                    let node = Node { spot: named.spot, value };
                    merged.push(Entry { key: "limits_keys".to_string(), spot: named.spot, node });
                }
            }
        }
        self.limits = Some(Limits { entries, hash, signer });
        Ok(merged)
    }

    /// Whose signature the file needs: those of the file of keys beside it, of whom the scenario may name some only;
    /// without one those that the scenario names.
    fn demanded(
        &self,
        path: &Path,
        named: Spot,
        own: Option<Vec<PublicKey>>,
    ) -> Result<Option<Vec<PublicKey>>, Failure> {
        let file = beside(path, "keys");
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(own),
            Err(error) => {
                let message = format!("cannot read the keys {}: {error}", file.display());
                return Err(self.failure(message, named, "they say who may sign this"));
            }
        };
        let keys = keys_in(&text).map_err(|wrong| {
            let message = format!("{}: {wrong}", file.display());
            self.failure(message, named, "they say who may sign this").help("one key a line: ed25519:…")
        })?;
        let kept = match own {
            Some(own) => keys.into_iter().filter(|key| own.contains(key)).collect(),
            None => keys,
        };
        if kept.is_empty() {
            let message = format!("no key of {} may sign these limits", file.display());
            return Err(self.failure(message, named, "limits of this file").help(
                "the scenario's `limits_keys` may only name some of the keys beside the file of limits",
            ));
        }
        Ok(Some(kept))
    }

    /// Who signed the limits, one of these keys.
    fn signer(&self, path: &Path, text: &str, named: Spot, keys: &[PublicKey]) -> Result<PublicKey, Failure> {
        let file = beside(path, "sig");
        let (limits, shown) = (path.display(), file.display());
        let sign = format!("genovo limits sign {limits} --key KEYFILE");
        let signature = fs::read_to_string(&file).map_err(|error| {
            let label = format!("its signature would be {shown}");
            let message = match error.kind() {
                std::io::ErrorKind::NotFound => format!("the limits {limits} are not signed"),
                _ => format!("cannot read the signature {shown}: {error}"),
            };
            self.failure(message, named, label).help(format!("one of the keys signs them: {sign}"))
        })?;
        let wrong =
            |message: String, help: String| Err(self.failure(message, named, "named here").help(help));
        match Signed::check(&signature, PURPOSE, text.as_bytes()) {
            Ok(key) if keys.contains(&key) => Ok(key),
            Ok(key) => wrong(
                format!("the limits {limits} are signed by {key}, which may not sign them"),
                format!(
                    "one of {} may: {sign}",
                    keys.iter().map(PublicKey::short).collect::<Vec<_>>().join(", ")
                ),
            ),
            Err(NotSigned::Altered) => wrong(
                format!("the limits {limits} are not as they were signed"),
                format!("look at what changed, then sign them anew: {sign}"),
            ),
            Err(NotSigned::Forged(key)) => {
                wrong(format!("the signature {shown} is not one of {key}"), format!("sign anew: {sign}"))
            }
            Err(NotSigned::Purpose(purpose)) => wrong(
                format!("{shown} is a signature of another thing: {purpose}"),
                format!("sign anew: {sign}"),
            ),
            Err(NotSigned::Unreadable(why)) => {
                wrong(format!("{shown} is no signature: {why}"), format!("sign anew: {sign}"))
            }
        }
    }
}
