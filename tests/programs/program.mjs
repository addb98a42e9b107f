// A Node program that notes down what it believes it was asked, and says so. It takes what a strict parser would not.
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [port, file] = process.argv.slice(2);

createServer({ insecureHTTPParser: true }, (request, response) => {
  const { headers, method } = request;
  const { pathname } = new URL(request.url, 'http://program');
  const seen = {
    path: decodeURIComponent(pathname),
    method,
    host: headers.host ?? '',
    user: headers['remote-user'] ?? '',
    groups: headers['remote-groups'] ?? '',
    cookie: headers.cookie ?? '',
    authorization: headers.authorization ?? '',
    peer: headers['x-forwarded-for'] ?? '',
    row: headers['x-row'] ?? '',
    all: headers,
  };
  appendFileSync(file, `${JSON.stringify(seen)}\n`);
  let body = '';
  request.setEncoding('latin1');
  request.on('data', (piece) => (body += piece));
  request.on('end', () => {
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ ...seen, body }));
  });
}).listen(Number(port), '127.0.0.1');
