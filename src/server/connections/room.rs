//! How many connections there is room for: each is an open file, and a process may have only so many of those.

/// Connections at once; more wait in the operating system's queue. Each costs a few kilobytes.
const CONNECTIONS: u64 = 10_000;

/// Files for everything else: the database, WeChat, the log.
const OTHERS: u64 = 256;

/// What a process may usually open where it cannot be told.
const USUAL: u64 = 1024;

/// Connections there is room for, after asking the operating system for as much as it gives.
pub(super) fn connections() -> usize {
    let files = rlimit::increase_nofile_limit(CONNECTIONS + OTHERS).unwrap_or(USUAL);
    let connections = within(files);
    if connections < CONNECTIONS {
        tracing::warn!(connections, files, "the limit of open files leaves room for fewer connections");
    }
    usize::try_from(connections).unwrap_or(usize::MAX >> 3)
}

/// Where there is little, half is for connections.
fn within(files: u64) -> u64 {
    files.saturating_sub(OTHERS).max(files / 2).clamp(1, CONNECTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_else_is_open_has_room_too() {
        for (files, connections) in [(0, 1), (64, 32), (1024, 768), (4096, 3840), (u64::MAX, CONNECTIONS)] {
            assert_eq!(within(files), connections, "{files}");
        }
    }
}
