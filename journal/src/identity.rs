//! Who wrote a journal, where and when: what must not be part of the chain, because it must not change a
//! hash.

use std::path::Path;

use crate::chapter::write_whole;
use crate::disk::Disk;
use crate::error::Error;
use crate::toml::{self, Line};

macro_rules! identity {
    ($($(#[$doc:meta])* $field:ident,)*) => {
        /// Who wrote a journal. It lies in `identity.toml`, outside the chain: two machines that ran the same
        /// scenario have different identities and the same head hash.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Identity {
            $($(#[$doc])* pub $field: String,)*
        }

        impl Identity {
            fn fields(&self) -> Vec<(&'static str, &String)> {
                vec![$((stringify!($field), &self.$field),)*]
            }

            fn field(&mut self, name: &str) -> Option<&mut String> {
                match name {
                    $(stringify!($field) => Some(&mut self.$field),)*
                    _ => None,
                }
            }
        }
    };
}

identity! {
    /// The version of genovo.
    version,
    /// The commit that it was built from.
    commit,
    /// What computes: `cpu` or `cuda`, with the device.
    backend,
    /// The instruction set used: `scalar`, `avx2`, `avx512`.
    cpu,
    /// Threads, and whether inline or pipelined.
    threads,
    /// The operating system and architecture.
    host,
    /// The wall clock when the run began, RFC 3339.
    started,
}

impl Identity {
    pub(crate) fn write(&self, disk: &dyn Disk, path: &Path) -> Result<(), Error> {
        let mut text = String::from(
            "# Who wrote this journal. Outside the chain: none of it changes a hash of an event.\n",
        );
        for (name, value) in self.fields() {
            toml::put_text(name, value, &mut text);
        }
        write_whole(disk, path, text.as_bytes())
    }

    /// Reads an identity; keys of later versions are passed over.
    pub(crate) fn read(path: &Path) -> Result<Identity, Error> {
        let text = std::fs::read(path).map_err(Error::io("read", path))?;
        let lines = std::str::from_utf8(&text).map_err(|_| Error::damaged(path, "is not UTF-8")).and_then(
            |text| {
                toml::read(text).map_err(|line| Error::damaged(path, format!("line {line} cannot be read")))
            },
        )?;
        let mut identity = Identity::default();
        for line in lines {
            if let Line::Text(key, value) = line
                && let Some(field) = identity.field(&key)
            {
                *field = value;
            }
        }
        Ok(identity)
    }
}
