// Starts and stops a server in an empty folder, with only the given settings, and so with the emulator.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';

const START_TIMEOUT_MS = 20_000;

export async function startServer(binary, folder, { name = 'server', env: settings = {} } = {}) {
  const cwd = join(folder, name);
  await mkdir(cwd);
  const env = { PATH: process.env.PATH, LISTEN: '127.0.0.1:0', ...settings };
  const server = spawn(resolve(binary), { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const stop = async () => {
    server.kill('SIGTERM');
    if (server.exitCode === null) await once(server, 'exit');
  };
  return { ...(await urlsOf(server)), stop };
}

/* Reads the URLs of the server and of its emulator, if it has one, from the banner. */
function urlsOf(server) {
  return new Promise((resolveUrls, reject) => {
    let banner = '';
    server.stdout.on('data', (text) => {
      banner += text;
      const address = /GraphQL +(http:\S+)\/graphql\n/.exec(banner);
      if (address) resolveUrls({ url: address[1], wechat: /EMULATED at (http:\S+)/.exec(banner)?.[1] });
    });
    server.on('error', reject);
    server.on('exit', (code) => reject(new Error(`the server stopped with ${code}`)));
    const timeOut = () => reject(new Error(`no address within ${START_TIMEOUT_MS} ms:\n${banner}`));
    setTimeout(timeOut, START_TIMEOUT_MS).unref();
  });
}
