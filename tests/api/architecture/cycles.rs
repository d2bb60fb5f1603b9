//! Cycles between sibling modules of one component, found by `use` declarations and paths. A module includes its
//! submodules.

use std::collections::BTreeSet;

use super::{Source, assert_none, sources};

type Module = Vec<String>;

#[test]
fn sibling_modules_do_not_use_each_other() {
    let sources = sources();
    let edges: BTreeSet<(Module, Module)> = sources.iter().flat_map(|file| edges_of(file, &sources)).collect();
    let cycles = edges.iter().filter(|(from, to)| from < to && edges.contains(&(to.clone(), from.clone())));
    let cycles = cycles.map(|(from, to)| (from.join("::"), to.join("::")));
    assert_none(&cycles.map(|(one, other)| format!("{one} and {other} use each other")).collect::<Vec<_>>());
}

/// The pairs of sibling modules between which a file uses something of its own component.
fn edges_of(file: &Source, sources: &[Source]) -> Vec<(Module, Module)> {
    let own = file.paths.iter().filter(|path| path[0] == "crate" && path.get(1) == Some(&file.component));
    own.filter_map(|path| edge(&file.module, &module_of(&path[1..], sources))).collect()
}

/// For `a::b::c` and `a::d::e` the siblings `a::b` and `a::d`; `None` if one contains the other.
fn edge(from: &[String], to: &[String]) -> Option<(Module, Module)> {
    let common = from.iter().zip(to).take_while(|(one, other)| one == other).count();
    let are_siblings = common < from.len() && common < to.len();
    are_siblings.then(|| (from[..=common].to_vec(), to[..=common].to_vec()))
}

/// The module that defines the item of a path, also if modules above re-export it.
fn module_of(path: &[String], sources: &[Source]) -> Module {
    let find = |module: &[String]| sources.iter().find(|file| file.module == module);
    let mut length = (1..=path.len()).rev().find(|length| find(&path[..*length]).is_some()).unwrap_or(0);
    let mut module = path[..length].to_vec();
    while let (Some(file), Some(name)) = (find(&module), path.get(length)) {
        let below =
            |path: &&Vec<String>| path.last() == Some(name) && find(&[&module[..], &path[..1]].concat()).is_some();
        let Some(exported) = file.paths.iter().find(below) else { break };
        module.push(exported[0].clone());
        length = path.len() - 1;
    }
    module
}

#[test]
fn module_and_its_submodule_are_not_a_cycle() {
    let module = |path: &str| path.split("::").map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(edge(&module("a::b"), &module("a")), None);
    assert_eq!(edge(&module("a"), &module("a::b::c")), None);
    assert_eq!(edge(&module("a::b::c"), &module("a::d::e")), Some((module("a::b"), module("a::d"))));
}
