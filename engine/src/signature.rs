//! Keys and signatures: who stands behind a file of limits, a change of limits, a report.
//!
//! Signatures are Ed25519 (RFC 8032), checked strictly: keys of small order and second ways to write a signature are
//! refused. Secret keys are never here.

use std::fmt;

use ed25519_dalek::VerifyingKey;

use crate::ids::{hex, unhex};

/// Who signs: an Ed25519 public key, printed as `ed25519:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublicKey(pub [u8; 32]);

/// An Ed25519 signature, printed as 128 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl PublicKey {
    /// What its text begins with.
    pub const PREFIX: &'static str = "ed25519:";

    /// Whether whoever holds its secret half signed this message. `purpose` keeps a signature of one thing from passing
    /// for one of another: what was signed is the purpose, a zero byte and the message.
    pub fn signed(&self, purpose: &str, message: &[u8], signature: &Signature) -> bool {
        let Ok(key) = VerifyingKey::from_bytes(&self.0) else { return false };
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        key.verify_strict(&to_sign(purpose, message), &signature).is_ok()
    }

    /// Reads what [`fmt::Display`] printed, if a key of this kind can be these bytes.
    pub fn parse(text: &str) -> Option<PublicKey> {
        let bytes = unhex(text.strip_prefix(PublicKey::PREFIX)?)?;
        VerifyingKey::from_bytes(&bytes).ok().filter(|key| !key.is_weak())?;
        Some(PublicKey(bytes))
    }

    /// The first eight digits, for a line that a person reads.
    pub fn short(&self) -> String {
        format!("{}{}…", PublicKey::PREFIX, &hex(&self.0)[..8])
    }
}

impl Signature {
    /// Reads what [`fmt::Display`] printed.
    pub fn parse(text: &str) -> Option<Signature> {
        unhex(text).map(Signature)
    }
}

/// The bytes that are signed.
pub fn to_sign(purpose: &str, message: &[u8]) -> Vec<u8> {
    [purpose.as_bytes(), &[0], message].concat()
}

macro_rules! as_text {
    ($($type:ident, $what:literal;)*) => {
        $(impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                let text = String::deserialize(deserializer)?;
                $type::parse(&text)
                    .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not {}", $what)))
            }
        })*
    };
}
as_text! {
    PublicKey, "a public key";
    Signature, "a signature";
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", PublicKey::PREFIX, hex(&self.0))
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, 7.1, test 2: the message is one byte, 0x72. Our purpose comes before a message, so the plain library
    /// is asked here.
    #[test]
    fn the_library_agrees_with_the_standard() {
        let public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
        let signature = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                         085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
        let key = VerifyingKey::from_bytes(&unhex(public).unwrap()).unwrap();
        let signature = ed25519_dalek::Signature::from_bytes(&unhex(signature).unwrap());
        assert!(key.verify_strict(&[0x72], &signature).is_ok());
        assert!(key.verify_strict(&[0x73], &signature).is_err());
    }

    #[test]
    fn keys_and_signatures_read_what_they_print() {
        let key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
        let public = PublicKey(key.verifying_key().to_bytes());
        assert_eq!(PublicKey::parse(&public.to_string()), Some(public));
        assert_eq!(PublicKey::parse(&public.to_string().to_uppercase()), None);
        assert_eq!(PublicKey::parse(&public.to_string()[..70]), None);
        // A point of small order signs anything.
        assert_eq!(PublicKey::parse(&PublicKey([0; 32]).to_string()), None);
        use ed25519_dalek::Signer as _;
        let signature = Signature(key.sign(&to_sign("test", b"message")).to_bytes());
        assert_eq!(Signature::parse(&signature.to_string()), Some(signature));
        assert!(public.signed("test", b"message", &signature));
        assert!(!public.signed("other", b"message", &signature));
        assert!(!public.signed("test", b"messagf", &signature));
        for bit in 0..512 {
            let mut other = signature;
            other.0[bit / 8] ^= 1 << (bit % 8);
            assert!(!public.signed("test", b"message", &other), "bit {bit}");
        }
    }
}
