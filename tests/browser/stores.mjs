// Where accounts and sessions are kept: in a file of the gateway's, or in a PostgreSQL and a Redis of the test's own.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, until } from './gateway.mjs';

function run(command, words) {
  const done = spawnSync(command, words, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${command} ${words.join(' ')}:\n${done.error ?? done.stderr}`);
}

/** Debian keeps PostgreSQL's programs beside the path, by version. */
function program(name) {
  const versions = readdirSync('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a));
  return join('/usr/lib/postgresql', versions[0], 'bin', name);
}

/** PostgreSQL does not run as root. */
const asNobody = process.getuid() === 0 ? ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups'] : ['env'];

async function redisAndPostgres() {
  const folder = mkdtempSync(join(tmpdir(), 'doorward-stores-'));
  chmodSync(folder, 0o777);
  const data = join(folder, 'postgres');
  const [redisPort, postgresPort] = [await freePort(), await freePort()];
  const [command, ...words] = asNobody;
  run(command, [...words, program('initdb'), '--auth=trust', '--username=doorward', '--no-sync', '--encoding=UTF8', '--locale=C', data]);
  mkdirSync(join(folder, 'redis'));
  const children = [
    spawn(command, [...words, program('postgres'), '-D', data, '-p', postgresPort, '-k', data, '-c', 'listen_addresses=127.0.0.1'], { stdio: 'ignore' }),
    spawn('redis-server', ['--port', redisPort, '--bind', '127.0.0.1', '--save', '', '--dir', join(folder, 'redis')], { stdio: 'ignore' }),
  ];
  const ask = [program('pg_isready'), '-q', '-h', '127.0.0.1', '-p', postgresPort].map(String);
  await until('PostgreSQL answers', () => spawnSync(ask[0], ask.slice(1)).status === 0);
  return {
    sections: `[database]\nurl = "postgres://doorward@127.0.0.1:${postgresPort}/postgres"\n[redis]\nurl = "redis://127.0.0.1:${redisPort}/0"\n`,
    async stop() {
      const ended = children.map((child) => new Promise((done) => child.once('exit', done)));
      // SIGQUIT is what PostgreSQL calls immediate.
      children[0].kill('SIGQUIT');
      children[1].kill('SIGKILL');
      await Promise.all(ended);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** name → how to start them. */
export const STORES = {
  embedded: async () => ({ sections: '', stop() {} }),
  'redis and postgresql': redisAndPostgres,
};
