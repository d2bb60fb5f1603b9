// The documents that miniaccount-client sends by itself. The package does not list them, so it is made to send them.
import { createAccount } from 'miniaccount-client';
import { memoryStorage, webAdapter } from 'miniaccount-client/web';

export async function documentsOfClient() {
  const texts = [];
  const adapter = {
    ...webAdapter({ login: async () => 'a code', storage: memoryStorage() }),
    async request({ data }) {
      texts.push(data.query);
      return { statusCode: 200, data: { data: { it: { token: 'a token', refreshToken: 'another', user: {} } } } };
    },
  };
  const account = createAccount({ endpoint: 'https://nowhere.example', adapter });
  await account.login();
  await account.refresh();
  await account.logout();
  return texts;
}
