//! `genovo limits`: keys, and files of limits that are signed.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use genovo_engine::signature::PublicKey;

use super::{Context, say};
use crate::error::{Exit, Failure};
use crate::scenario::limits::{PURPOSE, keys_in};
use crate::signing::{NotSigned, SecretKey, Signed, beside};

/// Make a key, sign a file of limits, check its signature.
///
/// A scenario that names a file of limits demands a signature by its `limits_keys`, or by the keys in a file beside the
/// limits that is called as they are, and .keys behind it.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Limits {
    #[command(subcommand)]
    question: Question,
}

const EXAMPLES: &str = "\
Examples:
  genovo limits key anna.key                     makes anna.key (yours alone) and anna.key.pub
  genovo limits sign limits.toml --key anna.key  writes limits.toml.sig
  genovo limits check limits.toml --keys anna.key.pub";

#[derive(Debug, Subcommand)]
enum Question {
    Key(Key),
    Sign(Sign),
    Check(Check),
}

impl Limits {
    /// Runs the command.
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        match &self.question {
            Question::Key(key) => key.run(context),
            Question::Sign(sign) => sign.run(context),
            Question::Check(check) => check.run(context),
        }
    }
}

/// Make a secret key, in a file that only you may read, and its public half beside it.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
struct Key {
    /// The new file.
    #[arg(value_name = "NEW")]
    new: PathBuf,
}

impl Key {
    fn run(&self, context: &Context) -> Result<(), Failure> {
        let key = SecretKey::make()?;
        let public = key.write(&self.new)?;
        match context.json {
            true => context.answer(&serde_json::json!({
                "secret": self.new, "public": public, "key": key.public(),
            })),
            false => say(&format!(
                "  {}\n  secret     {}   whoever has it signs in your name\n  public     {}   for limits_keys\n",
                key.public(),
                self.new.display(),
                public.display()
            )),
        }
    }
}

/// Sign a file of limits: its signature goes into a file beside it.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
struct Sign {
    /// The file of limits.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The file of the secret key.
    #[arg(long, value_name = "KEYFILE")]
    key: PathBuf,
}

/// What was not done.
const NOT_SIGNED: &str = "Nothing was signed.";

fn read(path: &Path, what: &str, consequence: &str) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| {
        let message = format!("cannot read {what} {}: {error}", path.display());
        Failure::new(Exit::Usage, message, consequence)
    })
}

impl Sign {
    fn run(&self, context: &Context) -> Result<(), Failure> {
        let text = read(&self.file, "the limits", NOT_SIGNED)?;
        let key = SecretKey::read(&self.key, NOT_SIGNED)?;
        let signed = Signed::new(&key, PURPOSE, text.as_bytes());
        let path = beside(&self.file, "sig");
        fs::write(&path, signed.to_text()).map_err(|error| {
            let message = format!("cannot write {}: {error}", path.display());
            Failure::new(Exit::Failed, message, NOT_SIGNED)
        })?;
        match context.json {
            true => context.answer(&serde_json::json!({
                "signature": path, "content": signed.content, "key": signed.key,
            })),
            false => say(&format!(
                "  signed     {}   {}\n  by         {}\n  signature  {}\n",
                self.file.display(),
                signed.content.short(),
                signed.key,
                path.display()
            )),
        }
    }
}

/// Check the signature of a file of limits.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
struct Check {
    /// The file of limits.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Who may sign: a file of public keys, one a line [default: FILE.keys, if it is there].
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
}

impl Check {
    fn run(&self, context: &Context) -> Result<(), Failure> {
        let consequence = "The limits are not to be trusted.";
        let differs = |message: String| Failure::new(Exit::Difference, message, consequence);
        let shown = self.file.display();
        let text = read(&self.file, "the limits", "Nothing was checked.")?;
        let signature = read(&beside(&self.file, "sig"), "the signature", "Nothing was checked.")?;
        let signer = Signed::check(&signature, PURPOSE, text.as_bytes()).map_err(|wrong| match wrong {
            NotSigned::Altered => differs(format!("the limits {shown} are not as they were signed"))
                .help("look at what changed, then sign them anew: genovo limits sign"),
            NotSigned::Forged(key) => differs(format!("the signature of {shown} is not one of {key}")),
            NotSigned::Purpose(purpose) => {
                differs(format!("{shown} has a signature of another thing: {purpose}"))
            }
            NotSigned::Unreadable(why) => differs(format!("the signature of {shown} cannot be read: {why}")),
        })?;
        let beside = beside(&self.file, "keys");
        let keys = match &self.keys {
            Some(path) => Some(path),
            None => Some(&beside).filter(|path| path.exists()),
        };
        let may = match keys {
            Some(path) => Some(self.among(path, signer)?),
            None => None,
        };
        match context.json {
            true => context.answer(&serde_json::json!({ "key": signer, "may_sign": may })),
            false => say(&format!(
                "  {shown} is as it was signed\n  by         {signer}\n  may sign   {}\n",
                match may {
                    Some(_) => "yes",
                    None => "nobody said who may: genovo limits check FILE --keys KEYS",
                }
            )),
        }
    }

    /// `true`, if the signer is among the keys of a file.
    fn among(&self, path: &Path, signer: PublicKey) -> Result<bool, Failure> {
        let keys = keys_in(&read(path, "the keys", "Nothing was checked.")?).map_err(|wrong| {
            let message = format!("{}: {wrong}", path.display());
            Failure::new(Exit::Usage, message, "Nothing was checked.").help("one key a line: ed25519:…")
        })?;
        if keys.contains(&signer) {
            return Ok(true);
        }
        let message = format!("{} is signed by {signer}, which may not sign it", self.file.display());
        Err(Failure::new(Exit::Difference, message, "The limits are not to be trusted.")
            .help(format!("{} has the keys that may", path.display())))
    }
}
