//! A walk through one line of JSON: no tree, no allocation, nothing that a line can make grow.

/// Text with a place in it.
pub(super) struct Json<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Json<'a> {
    pub(super) fn new(text: &'a [u8]) -> Json<'a> {
        Json { text, at: 0 }
    }

    #[inline]
    fn blank(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    /// Takes `byte` if it comes next.
    #[inline]
    pub(super) fn take(&mut self, byte: u8) -> bool {
        self.blank();
        let there = self.text.get(self.at) == Some(&byte);
        self.at += usize::from(there);
        there
    }

    /// Whether nothing is left.
    pub(super) fn is_done(&mut self) -> bool {
        self.blank();
        self.at == self.text.len()
    }

    /// The inside of a string, as it stands there; `None` if none comes next.
    #[inline]
    pub(super) fn string(&mut self) -> Option<&'a [u8]> {
        if !self.take(b'"') {
            return None;
        }
        let start = self.at;
        loop {
            let rest = self.text.get(self.at..)?;
            let found = memchr::memchr2(b'"', b'\\', rest)?;
            self.at += found + 1;
            if rest[found] == b'"' {
                return Some(&self.text[start..self.at - 1]);
            }
            // What an escape stands for is no matter here; only that it ends no string.
            self.at += 1;
        }
    }

    /// The next value as it stands there, strings with their marks.
    pub(super) fn value(&mut self) -> Option<&'a [u8]> {
        self.blank();
        let start = self.at;
        let mut depth = 0_u32;
        loop {
            match *self.text.get(self.at)? {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => {
                    depth = depth.checked_add(1)?;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                byte if depth == 0 => {
                    if !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')) {
                        return None;
                    }
                    while self.text.get(self.at).is_some_and(|byte| {
                        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')
                    }) {
                        self.at += 1;
                    }
                }
                _ => self.at += 1,
            }
            if depth == 0 {
                return Some(&self.text[start..self.at]);
            }
        }
    }

    /// Calls `field` with every name and value of the object that comes next; `None` if none does.
    pub(super) fn object(&mut self, mut field: impl FnMut(&'a [u8], &'a [u8])) -> Option<()> {
        if !self.take(b'{') {
            return None;
        }
        if self.take(b'}') {
            return Some(());
        }
        loop {
            let name = self.string()?;
            if !self.take(b':') {
                return None;
            }
            field(name, self.value()?);
            if self.take(b'}') {
                return Some(());
            }
            if !self.take(b',') {
                return None;
            }
        }
    }
}

/// A value that is a whole number.
pub(super) fn whole(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > 20 {
        return None;
    }
    value.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// The inside of a value that is a string.
pub(super) fn text(value: &[u8]) -> Option<&[u8]> {
    value.strip_prefix(b"\"")?.strip_suffix(b"\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Option<Vec<(String, String)>> {
        let mut found = Vec::new();
        let text_of = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let mut json = Json::new(text.as_bytes());
        json.object(|name, value| found.push((text_of(name), text_of(value))))?;
        json.is_done().then_some(found)
    }

    #[test]
    fn values_are_taken_as_they_stand() {
        let found =
            fields(r#" { "a":1, "b" : [["1","2"],{"c":"}]\""}],"d":"x","e":true,"f":-1.5e3 ,"g":{}} "#);
        let values: Vec<String> = found.unwrap().into_iter().map(|(_, value)| value).collect();
        assert_eq!(values, ["1", r#"[["1","2"],{"c":"}]\""}]"#, "\"x\"", "true", "-1.5e3", "{}"]);
        assert_eq!(fields("{}"), Some(Vec::new()));
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in [
            "",
            "{",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "{\"a\":1,",
            "{\"a\":\"\\",
            "{a:1}",
            "[1]",
            "{\"a\":]}",
        ] {
            assert_eq!(fields(text), None, "{text}");
        }
        assert_eq!(whole(b"18446744073709551616"), None);
        assert_eq!(whole(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!((whole(b""), whole(b"-1"), whole(b"1.0")), (None, None, None));
    }
}
