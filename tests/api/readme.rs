//! The tables of both READMEs list the settings and errors of the program.

use std::fs;

use miniaccount::{
    config::{Declaration, Kind, SETTINGS},
    error::Code,
};

const READMES: [&str; 2] = ["README.md", "README.zh-CN.md"];

#[test]
fn settings_tables_match_the_declarations() {
    let english = |setting: &Declaration| setting.english;
    let chinese = |setting: &Declaration| setting.chinese;
    assert_table("README.md", "| setting | default | meaning |", english);
    assert_table("README.zh-CN.md", "| 配置项 | 默认值 | 含义 |", chinese);
}

/// Compares the only table below a header with the declarations. The failure message is the correct table.
#[track_caller]
fn assert_table(readme: &str, header: &str, meaning: fn(&Declaration) -> &str) {
    let text = fs::read_to_string(readme).unwrap();
    let rows = SETTINGS.iter().map(|setting| row(setting, meaning(setting)));
    let expected: Vec<_> = [header.to_owned(), "|---|---|---|".to_owned()].into_iter().chain(rows).collect();
    let tables: Vec<_> = text.split("\n\n").filter(|part| part.starts_with(header)).collect();
    let expected = expected.join("\n");
    assert!(tables == [&expected], "the table of settings in {readme} must be\n\n{expected}\n");
}

/// One row; secrets are marked with an asterisk.
fn row(setting: &Declaration, meaning: &str) -> String {
    let mark = if setting.kind == Kind::Secret { "*" } else { "" };
    let default = if setting.default.is_empty() { String::new() } else { format!("`{}` ", setting.default) };
    format!("| `{}`{mark} | {default}| {meaning} |", setting.name)
}

#[test]
fn readme_lists_every_error_with_its_action() {
    for readme in READMES {
        let text = fs::read_to_string(readme).unwrap();
        for code in Code::ALL {
            let row = format!("| `{}` | {} |", code.as_str(), code.action().as_str());
            assert!(text.contains(&row), "{readme} has no row {row}");
        }
    }
}
