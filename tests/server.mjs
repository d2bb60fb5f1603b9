// Starts a server with an empty folder and no settings but those it is given, so with the emulator, and stops it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';

const PATIENCE_MS = 20_000;

export async function startServer(binary, folder, { name = 'server', env: settings = {} } = {}) {
  const cwd = join(folder, name);
  await mkdir(cwd);
  const env = { PATH: process.env.PATH, LISTEN: '127.0.0.1:0', ...settings };
  const server = spawn(resolve(binary), { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const stop = async () => {
    server.kill('SIGTERM');
    if (server.exitCode === null) await once(server, 'exit');
  };
  return { ...(await addressesOf(server)), stop };
}

/* The banner, which is written at once, says which port the server got, and its emulator of WeChat, where it has one. */
function addressesOf(server) {
  return new Promise((found, failed) => {
    let banner = '';
    server.stdout.on('data', (text) => {
      banner += text;
      const address = /GraphQL +(http:\S+)\/graphql\n/.exec(banner);
      if (address) found({ url: address[1], wechat: /EMULATED at (http:\S+)/.exec(banner)?.[1] });
    });
    server.on('error', failed);
    server.on('exit', (code) => failed(new Error(`the server stopped with ${code}`)));
    setTimeout(() => failed(new Error(`no address within ${PATIENCE_MS} ms:\n${banner}`)), PATIENCE_MS).unref();
  });
}
