//! Content encodings: the choice from `Accept-Encoding` (RFC 9110, section 12.5.3), and content compressed once for each.

use std::{
    io::{self, Read},
    sync::OnceLock,
};

use axum::{
    body::Bytes,
    http::{HeaderMap, header},
};
use brotli::CompressorReader;
use flate2::{Compression, read::GzEncoder};

use crate::http::preference::preferences;

/// A higher quality saves little and takes seconds.
const BROTLI_QUALITY: u32 = 6;
/// As a power of two: 4 MiB, more than the longest file.
const BROTLI_WINDOW: u32 = 22;
const BUFFER: usize = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Gzip,
    Brotli,
}

impl Encoding {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Brotli => "br",
        }
    }

    /// The accepted encoding with the highest quality; Brotli if both are equal.
    pub(super) fn negotiate(headers: &HeaderMap) -> Self {
        let (brotli, gzip) = (quality(headers, "br"), quality(headers, "gzip"));
        match (brotli > 0.0, gzip > 0.0) {
            (true, _) if brotli >= gzip => Self::Brotli,
            (_, true) => Self::Gzip,
            _ => Self::Identity,
        }
    }
}

/// The quality of a coding, or that of `*` if the coding is not listed.
fn quality(headers: &HeaderMap, coding: &str) -> f32 {
    let of = |wanted: &str| {
        let mut codings = preferences(headers, &header::ACCEPT_ENCODING);
        codings.find_map(|(name, quality)| name.eq_ignore_ascii_case(wanted).then_some(quality))
    };
    of(coding).or_else(|| of("*")).unwrap_or(0.0)
}

/// Content in each encoding: compressed before the build, or else at its first request.
pub(super) struct Compressed {
    plain: Bytes,
    gzip: OnceLock<Bytes>,
    brotli: OnceLock<Bytes>,
}

impl Compressed {
    pub(super) fn new(plain: Bytes) -> Self {
        Self { plain, gzip: OnceLock::new(), brotli: OnceLock::new() }
    }

    /// Content of which a build has compressed forms already.
    pub(super) fn with_forms(self, gzip: Option<Bytes>, brotli: Option<Bytes>) -> Self {
        let form = |bytes: Option<Bytes>| bytes.map(OnceLock::from).unwrap_or_default();
        Self { gzip: form(gzip), brotli: form(brotli), ..self }
    }

    /// The content in an encoding, if it is compressed already.
    pub(super) fn ready(&self, encoding: Encoding) -> Option<Bytes> {
        match encoding {
            Encoding::Identity => Some(&self.plain),
            Encoding::Gzip => self.gzip.get(),
            Encoding::Brotli => self.brotli.get(),
        }
        .cloned()
    }

    /// The content in an encoding. Blocks for up to 0.1 s the first time.
    pub(super) fn get(&self, encoding: Encoding) -> Bytes {
        let plain: &[u8] = &self.plain;
        match encoding {
            Encoding::Identity => &self.plain,
            Encoding::Gzip => self.gzip.get_or_init(|| read(GzEncoder::new(plain, Compression::best()))),
            Encoding::Brotli => {
                self.brotli.get_or_init(|| read(CompressorReader::new(plain, BUFFER, BROTLI_QUALITY, BROTLI_WINDOW)))
            }
        }
        .clone()
    }
}

fn read(mut compressor: impl Read) -> Bytes {
    let mut compressed = Vec::new();
    // reading from memory cannot fail
    let _: io::Result<usize> = compressor.read_to_end(&mut compressed);
    compressed.shrink_to_fit();
    Bytes::from(compressed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiated(accept: &str) -> Encoding {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, accept.parse().unwrap());
        Encoding::negotiate(&headers)
    }

    #[test]
    fn brotli_is_chosen_unless_gzip_has_a_higher_quality() {
        for (accept, encoding) in [
            ("gzip, deflate, br, zstd", Encoding::Brotli),
            ("gzip;q=1.0, br;q=0.5", Encoding::Gzip),
            ("br;q=0, GZIP", Encoding::Gzip),
            ("*", Encoding::Brotli),
            ("br;q=0, *", Encoding::Gzip),
        ] {
            assert_eq!(negotiated(accept), encoding, "{accept}");
        }
    }

    #[test]
    fn client_that_accepts_neither_gets_plain_content() {
        assert_eq!(Encoding::negotiate(&HeaderMap::new()), Encoding::Identity);
        for accept in ["", "deflate", "identity", "*;q=0", "br;q=x", "gzip;q=0, br;q=0.0"] {
            assert_eq!(negotiated(accept), Encoding::Identity, "{accept}");
        }
    }

    #[test]
    fn compressed_content_decompresses_to_itself() {
        let plain = Bytes::from("abc".repeat(100_000));
        let compressed = Compressed::new(plain.clone());
        let mut unpacked = Vec::new();
        brotli::Decompressor::new(&*compressed.get(Encoding::Brotli), BUFFER).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, plain);
        unpacked.clear();
        flate2::read::GzDecoder::new(&*compressed.get(Encoding::Gzip)).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, plain);
        assert_eq!(compressed.get(Encoding::Identity), plain);
    }

    #[test]
    fn forms_compressed_before_the_build_are_not_compressed_again() {
        let (gzip, brotli) = (Bytes::from("a gzip"), Bytes::from("a brotli"));
        let content = Compressed::new(Bytes::from("plain")).with_forms(Some(gzip.clone()), Some(brotli.clone()));
        assert_eq!((content.ready(Encoding::Gzip), content.get(Encoding::Brotli)), (Some(gzip), brotli));
    }
}
