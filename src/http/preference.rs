//! What a client likes, and how much: the lists of `Accept`, `Accept-Language` and `Accept-Encoding` (RFC 9110, section
//! 12.4.2).

use axum::http::{HeaderMap, HeaderName};

/// The items of a list, each with its quality: from 0, which is not at all, to 1, where none is said. One whose quality is
/// no such number is left out.
pub(super) fn preferences<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = (&'a str, f32)> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).filter_map(read)
}

fn read(item: &str) -> Option<(&str, f32)> {
    let mut parts = item.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?;
    let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    // what is no number, such as NaN, is in no range either
    let quality =
        quality.map_or(Some(1.0), |text| text.parse().ok()).filter(|quality| (0.0..=1.0).contains(quality))?;
    Some((name, quality))
}

#[cfg(test)]
mod tests {
    use axum::http::header;

    use super::*;

    #[test]
    fn items_come_with_their_quality_and_odd_ones_not_at_all() {
        let mut headers = HeaderMap::new();
        headers.append(header::ACCEPT, "a, b;q=0.5 , c; x=1; Q=0,, ;q=1".parse().unwrap());
        headers.append(header::ACCEPT, "n;q=nan, i;q=inf, m;q=1.1, l;q=-0.1, t;q=x, e;q=".parse().unwrap());
        headers.append(header::ACCEPT, "d".parse().unwrap());
        let found: Vec<_> = preferences(&headers, &header::ACCEPT).collect();
        assert_eq!(found, [("a", 1.0), ("b", 0.5), ("c", 0.0), ("d", 1.0)]);
    }
}
