/*
 * Starts GraphiQL with an example that logs in. When a response contains a token, a button inserts it into the headers, so
 * that the next operation runs as that user.
 */
'use strict';

const isChinese = navigator.language.toLowerCase().startsWith('zh');
const say = (english, chinese) => (isChinese ? chinese : english);
const h = React.createElement;

const EXAMPLE = `# ${say('1. Run Login (the pink button)', '1. 运行 Login（粉色按钮）')}
# ${say('2. Press "Use this token", above on the right', '2. 点右上方的“使用此令牌”')}
# ${say('3. Run Me', '3. 运行 Me')}

mutation Login {
  login(code: "emulator:alice") {
    token
    isNewUser
    user {
      id
      nickname
    }
  }
}

query Me {
  me {
    id
    nickname
    avatarUrl
    createdAt
    sessions {
      totalCount
      nodes {
        id
        deviceName
        isCurrent
        lastUsedAt
      }
    }
  }
}
`;

/* The token of a login or a refresh, under any alias. */
function tokenOf(answer) {
  const payloads = Object.values(answer?.data ?? {});
  return payloads.map((payload) => payload?.token).find((token) => typeof token === 'string');
}

/* A fetch that reads a copy of each response; GraphiQL reads the original. */
function watchingFetch(onToken) {
  return async (...request) => {
    const response = await fetch(...request);
    response.clone().json().then((answer) => onToken(tokenOf(answer)), () => {});
    return response;
  };
}

/* The headers with the token. Headers that are not a JSON object are replaced. */
function withToken(headers, token) {
  let others = {};
  try {
    const { authorization, Authorization, ...rest } = JSON.parse(headers);
    others = rest;
  } catch { /* replaced */ }
  return JSON.stringify({ ...others, Authorization: `Bearer ${token}` }, null, 2);
}

/* In the place of GraphiQL's logo, because only its children have access to its editors. */
function TokenButton({ token, onUse }) {
  const { headerEditor } = GraphiQL.React.useEditorContext({ nonNull: true });
  const use = () => {
    const headers = withToken(headerEditor.getValue(), token);
    headerEditor.setValue(headers);
    onUse(headers);
  };
  return h('button', { id: 'use-token', type: 'button', onClick: use }, say('Use this token', '使用此令牌'));
}

function Explorer() {
  const [token, offerToken] = React.useState();
  const [headers, setHeaders] = React.useState('');
  const [fetcher] = React.useState(() => GraphiQL.createFetcher({
    url: '/graphql',
    fetch: watchingFetch((found) => found && offerToken(found)),
  }));
  const onUse = (used) => { setHeaders(used); offerToken(undefined); };
  return h(
    GraphiQL,
    { fetcher, defaultQuery: EXAMPLE, defaultHeaders: headers, defaultEditorToolsVisibility: 'headers' },
    h(
      GraphiQL.Logo,
      null,
      token && h(TokenButton, { token, onUse }),
      h('a', { href: '/schema.graphql', title: 'schema.graphql' }, 'miniaccount'),
    ),
  );
}

ReactDOM.createRoot(document.getElementById('graphiql')).render(h(Explorer));
