//! Parses the parameters of a new connection to `PostgreSQL`, in the form of libpq's `options`: `-c name=value`, also
//! `-cname=value` and `--name=value`. A backslash escapes a space or a backslash.

/// The names with their values; `None` if the text has another form.
pub(super) fn parse(text: &str) -> Option<Vec<(String, String)>> {
    let mut words = words(text).into_iter();
    let mut options = Vec::new();
    while let Some(word) = words.next() {
        let option = match word.strip_prefix("-c").or_else(|| word.strip_prefix("--")) {
            Some("") => words.next()?,
            option => option?.to_owned(),
        };
        let (name, value) = option.split_once('=')?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_name) {
            return None;
        }
        options.push((name.to_owned(), value.to_owned()));
    }
    Some(options)
}

/// Splits at spaces that are not escaped.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, words.last_mut()) {
            (' ', _) => words.push(String::new()),
            ('\\', Some(word)) => word.extend(characters.next()),
            (character, Some(word)) => word.push(character),
            (_, None) => {}
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_libpq_is_accepted() {
        let read = |text| parse(text).map(|options| options.into_iter().map(|(n, v)| format!("{n}={v}")).collect());
        let expect = |options: &[&str]| Some(options.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(read(""), expect(&[]));
        assert_eq!(
            read("-c geqo=off  -cjit=off --search_path=a,b"),
            expect(&["geqo=off", "jit=off", "search_path=a,b"])
        );
        assert_eq!(read(r"-c a.b=repeatable\ read\\"), expect(&[r"a.b=repeatable read\"]));
        assert!(["-c", "geqo=off", "-c geqo", "-c =x", "-c a b=c", "-B 5"].iter().all(|text| parse(text).is_none()));
    }
}
