//! The READMEs keep up with the program, in both languages.

use std::fs;

use miniaccount::{
    config::table::{ALL, Kind},
    error::Code,
};

const READMES: [&str; 2] = ["README.md", "README.zh-CN.md"];

#[test]
fn every_setting_is_in_the_readme() {
    for readme in READMES {
        let text = fs::read_to_string(readme).unwrap();
        for setting in ALL {
            let name = match setting.kind {
                Kind::Plain | Kind::Secret => setting.name.to_owned(),
                Kind::FileOnly | Kind::Names => setting.key(),
            };
            assert!(text.contains(&format!("`{name}`")), "{readme} does not name {name}");
            assert!(setting.default.split(',').all(|part| text.contains(part)), "{readme}: default of {name}");
        }
    }
}

#[test]
fn every_error_is_in_the_readme_with_its_action() {
    for readme in READMES {
        let text = fs::read_to_string(readme).unwrap();
        for code in Code::ALL {
            let row = format!("| `{}` | {} |", code.as_str(), code.action().as_str());
            assert!(text.contains(&row), "{readme} has no row {row}");
        }
    }
}
