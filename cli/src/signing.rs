//! Secret keys, and files with a signature beside them.
//!
//! A secret key lies in a file of its own that nobody but its owner may read; it is never printed and never leaves the
//! process. What is signed names its purpose, so that no signature passes for one of another thing.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ed25519_dalek::{Signer, SigningKey};
use genovo_engine::ids::Hash;
use genovo_engine::signature::{PublicKey, Signature, to_sign};
use serde::{Deserialize, Serialize};

use crate::error::{Exit, Failure};

/// What the text of a secret key begins with.
pub const SECRET: &str = "genovo-secret:";
/// A key's file is a few lines.
const BYTES_MAX: u64 = 4_096;

/// A secret key. It has no text and no debug form.
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// A new one, of the system's randomness.
    pub fn make() -> Result<SecretKey, Failure> {
        Ok(SecretKey(SigningKey::from_bytes(&random()?.0)))
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs a message for a purpose.
    pub fn sign(&self, purpose: &str, message: &[u8]) -> Signature {
        Signature(self.0.sign(&to_sign(purpose, message)).to_bytes())
    }

    /// Writes it into a new file that only its owner may read, and its public half beside it, which is returned.
    pub fn write(&self, path: &Path) -> Result<PathBuf, Failure> {
        let failed = |path: &Path, error: std::io::Error| {
            let message = format!("cannot write the key {}: {error}", path.display());
            let help = match error.kind() {
                ErrorKind::AlreadyExists => "a key that is there is never written over: name another file",
                _ => "name a file in a folder that you may write",
            };
            Failure::new(Exit::Usage, message, "No key was made.").help(help)
        };
        let beside = beside(path, "pub");
        if beside.exists() {
            return Err(failed(&beside, ErrorKind::AlreadyExists.into()));
        }
        let text = format!(
            "# Whoever has this key signs in your name: keep it to yourself.\n{SECRET}{}\n# {}\n",
            hex(&self.0.to_bytes()),
            self.public()
        );
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(path);
        let mut file = file.map_err(|error| failed(path, error))?;
        let secret = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        let written = secret.map_err(|error| failed(path, error)).and_then(|()| {
            fs::write(&beside, format!("{}\n", self.public())).map_err(|error| failed(&beside, error))
        });
        if written.is_err() {
            // It is ours and new: half of a pair would stand in the way of the next attempt.
            let _ = fs::remove_file(path);
        }
        written.map(|()| beside)
    }

    /// Reads it; `consequence` is what was not done when it cannot be.
    pub fn read(path: &Path, consequence: &str) -> Result<SecretKey, Failure> {
        let failure = |message: String, help: String| {
            Err(Failure::new(Exit::Usage, message, consequence.to_string()).help(help))
        };
        let shown = path.display();
        let file = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
        let (metadata, file) = match file {
            Ok(opened) => opened,
            Err(error) => {
                let help = "a key is made by: genovo limits key NEW".to_string();
                return failure(format!("cannot read the key {shown}: {error}"), help);
            }
        };
        let mut text = String::new();
        let read = file.take(BYTES_MAX).read_to_string(&mut text);
        let line = text.lines().find_map(|line| line.trim().strip_prefix(SECRET));
        let (Ok(_), Some(bytes)) = (read, line.and_then(unhex)) else {
            let help = "name the file that genovo limits key made, not the one with .pub".to_string();
            return failure(format!("{shown} holds no secret key"), help);
        };
        // Asked last: the rights of a file that is no key are nobody's business.
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            let help = format!("make it yours alone: chmod 600 {shown}");
            return failure(format!("the key {shown} can be read by others (mode {mode:03o})"), help);
        }
        Ok(SecretKey(SigningKey::from_bytes(&bytes)))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// A number that nobody can guess.
pub fn random() -> Result<Hash, Failure> {
    let mut bytes = [0; 32];
    match rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()) {
        Ok(count) if count == bytes.len() => Ok(Hash(bytes)),
        _ => Err(Failure::new(Exit::Failed, "the system gives no randomness", "Nothing was done.")),
    }
}

/// The file beside another that is called as it is, and this behind it.
pub fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(".");
    name.push(extension);
    PathBuf::from(name)
}

/// What lies in a file of a signature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// What for.
    pub purpose: String,
    /// The BLAKE3 of what was signed.
    pub content: Hash,
    /// Who signed.
    pub key: PublicKey,
    /// The signature of the hash.
    pub signature: Signature,
}

/// What is wrong with a signature.
#[derive(Clone, Debug, PartialEq)]
pub enum NotSigned {
    /// It is no signature that can be read, and why.
    Unreadable(String),
    /// It is one of another thing.
    Purpose(String),
    /// What was signed is not what is there.
    Altered,
    /// The signature is not this key's.
    Forged(PublicKey),
}

impl Signed {
    /// Signs some bytes.
    pub fn new(key: &SecretKey, purpose: &str, bytes: &[u8]) -> Signed {
        let content = Hash(*blake3::hash(bytes).as_bytes());
        let signature = key.sign(purpose, &content.0);
        Signed { purpose: purpose.to_string(), content, key: key.public(), signature }
    }

    /// As it is written.
    pub fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a signature is JSON");
        text.push('\n');
        text
    }

    /// Whether this is the signature of these bytes; who signed.
    pub fn check(text: &str, purpose: &str, bytes: &[u8]) -> Result<PublicKey, NotSigned> {
        let signed: Signed =
            serde_json::from_str(text).map_err(|error| NotSigned::Unreadable(error.to_string()))?;
        if signed.purpose != purpose {
            return Err(NotSigned::Purpose(signed.purpose));
        }
        if signed.content.0 != *blake3::hash(bytes).as_bytes() {
            return Err(NotSigned::Altered);
        }
        if !signed.key.signed(purpose, &signed.content.0, &signed.signature) {
            return Err(NotSigned::Forged(signed.key));
        }
        Ok(signed.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_as_it_was_and_only_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("anna.key");
        let key = SecretKey::make().unwrap();
        let public = key.write(&path).unwrap();
        assert_eq!(fs::read_to_string(public).unwrap().trim(), key.public().to_string());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(SecretKey::read(&path, "").unwrap().public(), key.public());
        assert_ne!(SecretKey::make().unwrap().public(), key.public());
        let not_it = SecretKey::read(&beside(&path, "pub"), "").map(|_| ()).unwrap_err().render(false);
        assert!(not_it.contains("holds no secret key") && !not_it.contains("chmod"), "{not_it}");
        let again = key.write(&path).unwrap_err();
        assert!(again.render(false).contains("never written over"), "{}", again.render(false));

        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let open = SecretKey::read(&path, "Nothing.").map(|_| ()).unwrap_err().render(false);
        assert!(open.contains("mode 640") && open.contains("chmod 600"), "{open}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        for text in ["", "genovo-secret:00", "genovo-secret:zz", "ed25519:00"] {
            fs::write(&path, text).unwrap();
            assert!(SecretKey::read(&path, "").is_err(), "{text}");
        }
    }

    #[test]
    fn a_signature_holds_for_its_bytes_and_its_purpose_alone() {
        let key = SecretKey::make().unwrap();
        let signed = Signed::new(&key, "limits", b"max_total = 1");
        let text = signed.to_text();
        assert_eq!(Signed::check(&text, "limits", b"max_total = 1"), Ok(key.public()));
        assert_eq!(Signed::check(&text, "limits", b"max_total = 2"), Err(NotSigned::Altered));
        assert_eq!(
            Signed::check(&text, "report", b"max_total = 1"),
            Err(NotSigned::Purpose("limits".to_string()))
        );
        let other = SecretKey::make().unwrap().public();
        let forged = Signed { key: other, ..signed }.to_text();
        assert_eq!(Signed::check(&forged, "limits", b"max_total = 1"), Err(NotSigned::Forged(other)));
        assert!(matches!(Signed::check("{}", "limits", b""), Err(NotSigned::Unreadable(_))));
    }
}
