// A real mail server (aiosmtpd) on loopback, with TLS and a password, and what came to it.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './gateway.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const room = join(here, 'venv');

/** The Python that has aiosmtpd; made once. */
function python() {
  const program = join(room, 'bin/python');
  const run = (command, ...words) => {
    const done = spawnSync(command, words, { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`${command} ${words.join(' ')}:\n${done.error ?? done.stderr}`);
  };
  if (!existsSync(join(room, 'ready'))) {
    rmSync(room, { recursive: true, force: true });
    run('python3', '-m', 'venv', room);
    run(program, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', join(here, 'requirements.txt'));
    writeFileSync(join(room, 'ready'), '');
  }
  return program;
}

/** Starts a server that wants `how` (starttls, tls) and the name and password of the mailbox. */
export async function mailServer(how) {
  const folder = mkdtempSync(join(tmpdir(), 'doorward-mail-'));
  const [user, password] = ['gate', 'mail password 77'];
  const child = spawn(python(), [join(here, 'mail.py'), folder, how, user, password], { stdio: ['pipe', 'ignore', 'ignore'] });
  writeFileSync(join(folder, 'password'), password);
  const port = await until('the mail server listens', () => existsSync(join(folder, 'port')) && readFileSync(join(folder, 'port'), 'utf8'));
  const scheme = how === 'tls' ? `smtps://${user}@localhost:${port}` : `smtp://${user}@localhost:${port}?tls=required`;
  return {
    sections: `[mail]\nsmtp = "${scheme}"\nsmtp_password_file = "${join(folder, 'password')}"\n`,
    // Its certificate is from an authority of its own.
    env: { SSL_CERT_FILE: join(folder, 'ca.pem') },
    /** The newest message to somebody whose subject matches, once there are `count` of them. */
    async message(to, subject, count = 1) {
      const all = () =>
        readdirSync(folder)
          .filter((name) => name.endsWith('.eml'))
          .sort((a, b) => parseInt(a) - parseInt(b))
          .map((name) => readFileSync(join(folder, name), 'utf8'))
          .filter((text) => text.includes(`To: ${to}`) && subject.test(text.match(/^Subject: (.*)$/m)[1]));
      const found = await until(`mail to ${to} about ${subject}`, () => all().length >= count && all().at(-1));
      const plain = found.replaceAll('=\r\n', '').replaceAll('=3D', '=');
      return { text: plain, code: found.match(/^Subject: (\d{8}) /m)?.[1], link: plain.match(/https?:\/\/\S+/)?.[0] };
    },
    stop() {
      child.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
