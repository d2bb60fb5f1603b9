//! Only `account` reads the fields of `Accounts`.

use super::{assert_none, sources};

#[test]
fn only_account_reads_the_fields_of_accounts() {
    let outside = sources().into_iter().filter(|file| file.component != "account");
    let readers = outside.flat_map(|file| {
        let fields = fields_read(&file.code, "accounts");
        fields.into_iter().map(move |field| format!("{}: reads accounts.{field}; call a method", file.name))
    });
    assert_none(&readers.collect::<Vec<_>>());
}

#[test]
fn field_access_is_distinguished_from_a_method_call() {
    let code =
        "accounts.store.ping(); ctx.accounts()?.clock.now(); accounts.login(it); accounts().ready(); my_accounts.a.b()";
    assert_eq!(fields_read(code, "accounts"), ["store", "clock"]);
}

/// The fields that are read of a variable, or of the result of a method, with the name `owner`.
fn fields_read(code: &str, owner: &str) -> Vec<String> {
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    let owners = code.match_indices(owner).filter(|(index, _)| !code[..*index].ends_with(is_name));
    let fields = owners.filter_map(|(index, _)| {
        let after = code[index + owner.len()..].trim_start_matches("()").trim_start_matches('?').trim_start();
        let member = after.strip_prefix('.')?;
        let end = member.find(|character: char| !is_name(character)).unwrap_or(member.len());
        let is_field = !member[..end].is_empty() && !member[end..].starts_with(['(', ':']);
        is_field.then(|| member[..end].to_owned())
    });
    fields.collect()
}
