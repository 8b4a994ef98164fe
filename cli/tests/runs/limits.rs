//! Limits of a session that runs: shown, tightened, loosened by two keys, and all of it kept.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use genovo::engine::event::{AlertRaised, Fact, LimitsAnswer};
use serde_json::Value;

use crate::support::{EMA_CROSS, Folder};

/// A session of two hours of quotes at ten times the speed; it ends when it is stopped.
struct Session {
    folder: Folder,
    process: Child,
}

impl Session {
    fn begin() -> Session {
        let mut quotes = "time,bid,ask\n".to_string();
        for second in 0..7_200_i64 {
            let price = 100.0 + (second as f64 / 40.0).sin();
            quotes.push_str(&format!("{},{price:.2},{:.2}\n", 1_400_000_000 + second, price + 0.02));
        }
        let folder = Folder::new(&[("quotes.csv", &quotes), ("scenario.toml", EMA_CROSS)]);
        let mut keys = String::new();
        for name in ["anna.key", "otto.key"] {
            folder.done(&["limits", "key", name]);
            keys.push_str(&folder.read(&format!("{name}.pub")));
        }
        folder.write("risk.keys", &keys);
        folder.write("scenario.toml", &format!("{EMA_CROSS}limits_keys = \"risk.keys\"\n"));
        let process = start(&folder, &["live", "scenario.toml", "--speed", "10", "--journal", "run"]);
        Session { folder, process }.ready()
    }

    /// Waits until the session listens.
    fn ready(self) -> Session {
        let began = Instant::now();
        while !self.folder.genovo(&["live", "set", "--list", "--session", "run"]).status.success() {
            assert!(began.elapsed() < Duration::from_secs(60), "the session does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        self
    }

    fn limits(&self) -> Value {
        self.folder.json(&["live", "set", "--list", "--session", "run"])
    }

    /// What the binary says where it must not succeed.
    fn not(&self, arguments: &[&str], code: i32) -> String {
        let output = self.folder.genovo(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Ends it as Ctrl-C does.
    fn stop(mut self) -> Folder {
        let interrupt = Command::new("kill").args(["-INT", &self.process.id().to_string()]).status();
        assert!(interrupt.expect("kill").success());
        assert!(self.process.wait().expect("an end").success());
        self.folder
    }
}

fn start(folder: &Folder, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_genovo"))
        .args(arguments)
        .current_dir(folder.path("."))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("the session starts")
}

#[test]
fn limits_change_while_a_session_runs_and_outlive_it() {
    let session = Session::begin();
    let before = session.limits();
    assert_eq!(before["limits"]["max_total"], "5 %");
    let set = |arguments: &[&'static str]| -> Vec<&'static str> {
        [&["live", "set", "--session", "run", "--by", "anna"], arguments].concat()
    };
    let changed = session.folder.json(&set(&["max_total=4 %", "--why", "elections"]));
    assert_eq!((&changed["changed"]["old"], &changed["changed"]["new"]), (&"5 %".into(), &"4 %".into()));
    assert_eq!(session.limits()["limits"]["max_total"], "4 %", "it holds at once");

    let said = session.not(&set(&["max_total=6 %"]), 1);
    assert!(said.contains("request 2") && said.contains("no two keys stand behind it"), "{said}");
    let said = session.not(&set(&["max_totl=1 %"]), 2);
    assert!(said.contains("did you mean `max_total`?"), "{said}");
    let waits = session.folder.json(&set(&["max_total=6 %", "--key", "anna.key"]));
    assert_eq!((&waits["request"], &waits["waits"]), (&3.into(), &true.into()));
    assert_eq!(session.limits()["waiting"][0]["new"], "6 %");

    let approve = |arguments: &[&'static str]| -> Vec<&'static str> {
        [&["live", "approve", "--session", "run", "--by", "otto"], arguments].concat()
    };
    let said = session.not(&approve(&["3", "--key", "anna.key"]), 1);
    assert!(said.contains("nobody approves their own request"), "{said}");
    // An approval in a file: late, and then in time.
    session.folder.done(&approve(&["3", "--key", "otto.key", "--expires", "1ms", "--out", "late.json"]));
    std::thread::sleep(Duration::from_millis(200));
    let said = session.not(&approve(&["--give", "late.json"]), 1);
    assert!(said.contains("came too late"), "{said}");
    session.folder.done(&approve(&["3", "--key", "otto.key", "--out", "good.json"]));
    session.folder.done(&approve(&["--give", "good.json"]));
    assert_eq!(session.limits()["limits"]["max_total"], "6 %");
    let said = session.not(&approve(&["--give", "good.json"]), 1);
    assert!(said.contains("decided already"), "{said}");
    session.folder.done(&set(&["stale_after=30 s"]));

    let folder = session.stop();
    let said = folder.genovo(&["live", "set", "--list", "--session", "run"]);
    assert_eq!(said.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&said.stderr).contains("no process runs the session"));
    folder.done(&["replay", "--verify", "run"]);
    folder.done(&["audit", "verify", "run"]);
    let answers: Vec<LimitsAnswer> = folder
        .events("run")
        .iter()
        .filter_map(|event| match &event.fact {
            Fact::AlertRaised(alert) => match **alert {
                AlertRaised::Limits { answer, .. } => Some(answer),
                _ => None,
            },
            _ => None,
        })
        .collect();
    use LimitsAnswer::*;
    assert_eq!(answers, [WouldLoosen, ApprovalNeeded, OwnRequest, Expired, Replayed]);
    let shown = folder.done(&["audit", "show", "run", "--kind", "LimitsChanged"]);
    assert!(shown.contains("max_total 5 % → 4 %, by anna: elections"), "{shown}");

    // A session that goes on has them still.
    let process = start(&folder, &["live", "--resume", "run"]);
    let session = Session { folder, process }.ready();
    let limits = session.limits();
    assert_eq!(
        (&limits["limits"]["max_total"], &limits["limits"]["stale_after"]),
        (&"6 %".into(), &"30 s".into())
    );
    let folder = session.stop();
    folder.done(&["replay", "--verify", "run"]);
}
