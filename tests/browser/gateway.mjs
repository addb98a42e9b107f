// A running gateway for the journeys: its own folder, free ports, gone at the end.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const binary = process.env.DOORWARD_BIN ?? join(process.env.CARGO_TARGET_DIR ?? join(project, 'target'), 'debug/doorward');

/** The password of everybody. */
export const PASSWORD = 'violet-harbour-42-lantern';

/** A port that nobody listens on. */
export function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

/** Looks until `look` yields something; fails, saying `what`, after `limit` milliseconds. */
export async function until(what, look, limit = 15_000) {
  const end = Date.now() + limit;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited ${limit} ms in vain: ${what}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

/**
 * Starts a gateway: with the sample site and nothing configured, or with the given sections of a file, in which
 * `{gate}` stands for its port; `more` are further variables of its environment.
 */
export async function start(sections, more = {}) {
  if (!existsSync(binary)) throw new Error(`${binary} is missing: cargo build -p doorward`);
  const folder = mkdtempSync(join(tmpdir(), 'doorward-browser-'));
  mkdirSync(join(folder, 'protected'));
  symlinkSync(join(project, 'protected/site'), join(folder, 'protected/site'));
  const [gate, admin] = [await freePort(), await freePort()];
  const config = join(folder, 'site.toml');
  writeFileSync(config, `[server]\nlisten = ["127.0.0.1:${gate}"]\nadmin_listen = "127.0.0.1:${admin}"\n${(sections ?? '').replaceAll('{gate}', gate)}`);
  const log = join(folder, 'log');
  const output = openSync(log, 'w');
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...more };
  const child = spawn(binary, ['run', '--config', config], { cwd: folder, env, stdio: ['ignore', output, output] });
  const ended = new Promise((done) => child.once('exit', done));
  const gateway = {
    address: `http://localhost:${gate}`,
    byNumber: `http://127.0.0.1:${gate}`,
    log: () => readFileSync(log, 'utf8'),
    async stop() {
      child.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await until(`the gateway is ready:\n${gateway.log()}`, async () => {
    if (child.exitCode !== null) throw new Error(`the gateway ended:\n${gateway.log()}`);
    const answer = await fetch(`http://127.0.0.1:${admin}/readyz`).catch(() => null);
    return answer?.status === 200;
  });
  return gateway;
}
