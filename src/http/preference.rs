//! Lists with quality values: `Accept`, `Accept-Language` and `Accept-Encoding` (RFC 9110, section 12.4.2).

use axum::http::{HeaderMap, HeaderName};

use super::list::{parameter, parts};

/// The items of a list with their qualities from 0 (not acceptable) to 1 (the default). Items with an invalid quality are
/// left out.
pub(super) fn preferences<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = (&'a str, f32)> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| parts(value, ',')).filter_map(read)
}

fn read(item: &str) -> Option<(&str, f32)> {
    let mut parts = parts(item, ';');
    let name = parts.next().filter(|name| !name.is_empty())?;
    let quality = parts.find_map(|part| parameter(part, "q"));
    // the range excludes NaN as well
    let quality =
        quality.map_or(Some(1.0), |text| text.parse().ok()).filter(|quality| (0.0..=1.0).contains(quality))?;
    Some((name, quality))
}

#[cfg(test)]
mod tests {
    use axum::http::header;

    use super::*;

    #[test]
    fn items_have_their_quality_and_invalid_ones_are_left_out() {
        let mut headers = HeaderMap::new();
        headers.append(header::ACCEPT, "a, b;q=0.5 , c; x=1; Q=0,, ;q=1".parse().unwrap());
        headers.append(header::ACCEPT, "n;q=nan, i;q=inf, m;q=1.1, l;q=-0.1, t;q=x, e;q=".parse().unwrap());
        headers.append(header::ACCEPT, "d;p=\"x,y;q=0\"; Q = \"0.1\"".parse().unwrap());
        let found: Vec<_> = preferences(&headers, &header::ACCEPT).collect();
        assert_eq!(found, [("a", 1.0), ("b", 0.5), ("c", 0.0), ("d", 0.1)]);
    }
}
