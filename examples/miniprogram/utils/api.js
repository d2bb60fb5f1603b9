// What the pages ask the server for.
const client = require('./client');
const session = require('./session');
const { freshCode } = require('./wechat');
const { AccountError } = require('../lib/miniaccount-client');

const USER = 'user { id nickname avatarUrl phoneNumber deletesAt }';
const ERRORS = 'userErrors { code message }';

/* The field `result` of an answer. */
async function ask(document, variables) {
  const { result } = await client.request(document, variables);
  if (!result) throw new AccountError({ code: 'BAD_ANSWER', action: 'RETRY', message: 'the answer has no result' });
  return result;
}

/* A mutation. What its payload says against it is thrown like any other error, and the new user goes to the pages. */
async function change(document, variables) {
  const result = await ask(document, variables);
  const [error] = result.userErrors;
  if (error) throw new AccountError({ code: error.code, action: 'FIX', message: error.message, data: result });
  if (result.user) session.update(result.user);
  return result;
}

exports.saveNickname = (nickname) => change(
  `mutation ($input: UpdateProfileInput!) { result: updateProfile(input: $input) { ${USER} ${ERRORS} } }`,
  { input: { nickname: nickname.trim() || null } },
);

/** `path` is the temporary file of the button: it is gone with the run, and only its upload is worth keeping. */
exports.saveAvatar = async (path) => {
  session.update({ avatarUrl: await client.uploadAvatar(path) });
};

exports.bindPhone = async (event) => {
  session.update(await client.bindPhone(event));
};

exports.unbindPhone = () => change(`mutation { result: unbindPhoneNumber { ${USER} ${ERRORS} } }`);

/** A page of the devices where the person is signed in, newest first; `next` is the cursor of the following one. */
exports.devices = async (after) => {
  const { sessions } = await ask(`query ($after: String) { result: me { sessions(first: 20, after: $after) {
    nodes { id deviceName userAgent ipPrefix isCurrent createdAt lastUsedAt } totalCount pageInfo { hasNextPage endCursor } } } }`, { after });
  const { nodes, totalCount, pageInfo: { hasNextPage, endCursor } } = sessions;
  return { devices: nodes, total: totalCount, next: hasNextPage ? endCursor : null };
};

exports.signOutDevice = (id) => change(
  `mutation ($id: ID!) { result: revokeSession(sessionId: $id) { ${ERRORS} } }`,
  { id },
);

exports.signOutOthers = () => client.logout('OTHERS');

exports.identities = async () => (await ask('{ result: me { identities { id appId createdAt } } }')).identities;

/** Links who the code belongs to. Answers a ticket where that is an account of its own: `merge` makes one of both. */
exports.link = async (code, appId) => {
  try {
    await change(
      `mutation ($code: String!, $appId: String) { result: linkIdentity(code: $code, appId: $appId) { mergeTicket ${USER} ${ERRORS} } }`,
      { code, appId },
    );
    return null;
  } catch (error) {
    if (error.code === 'IDENTITY_TAKEN' && error.data.mergeTicket) return error.data.mergeTicket;
    // the code is that of the form: to log in again does not make it better
    const isCode = error.code === 'INVALID_CODE' || error.code === 'CODE_USED';
    throw isCode ? new AccountError(Object.assign({}, error, { action: 'FIX' })) : error;
  }
};

/** The older account stays. Where this one was the younger, the client logs in to the other. */
exports.merge = async (ticket) => {
  await change(`mutation ($ticket: String!) { result: mergeAccounts(ticket: $ticket) { ${ERRORS} } }`, { ticket });
  await session.refresh();
};

/**
 * Answers whether it ended this session. Then it signs out: the client would log in by itself, and a login of an identity
 * that is not linked makes a new account.
 */
exports.unlink = async (id) => {
  const { user } = await change(
    `mutation ($id: ID!) { result: unlinkIdentity(identityId: $id) { user { id sessions(first: 100) { nodes { isCurrent } } } ${ERRORS} } }`,
    { id },
  );
  const isSignedIn = user.sessions.nodes.some(({ isCurrent }) => isCurrent);
  if (!isSignedIn) await session.signOut('UNLINKED');
  return !isSignedIn;
};

/** The proof is a code that no login has used, so it is taken now. */
exports.requestDeletion = async () => {
  const { deletesAt } = await change(
    `mutation ($code: String!) { result: deleteAccount(code: $code) { deletesAt ${ERRORS} } }`,
    { code: await freshCode() },
  );
  session.update({ deletesAt });
};

exports.cancelDeletion = () => change(`mutation { result: cancelAccountDeletion { ${USER} ${ERRORS} } }`);
