// Asks ports as somebody who has no business there: neighbour.mjs TRY…, each `NAME SCHEME METHOD HOST PORT PATH`. https shows no certificate
// and checks none. Prints a line of JSON for each, and then waits to be deleted.
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';

const silenceMs = 5_000;

function ask(scheme, method, host, port, path) {
  return new Promise(resolve => {
    const body = method === 'POST' ? '{}' : undefined;
    const headers =
      body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length };
    const options = { host, port: Number(port), method, path, headers, agent: false, timeout: silenceMs };
    const send = scheme === 'https' ? secureRequest : plainRequest;
    const sent = send({ ...options, ...(scheme === 'https' && { rejectUnauthorized: false }) }, answer => {
      let text = '';
      answer.setEncoding('utf8').on('data', piece => {
        text += piece;
      });
      answer.on('end', () => resolve(`${answer.statusCode} ${text.slice(0, 300)}`));
      answer.on('error', error => resolve(error.code ?? error.message));
    });
    sent.on('timeout', () => sent.destroy(new Error('silence')));
    sent.on('error', error => resolve(error.code ?? error.message));
    sent.end(body);
  });
}

for (const each of process.argv.slice(2)) {
  const [name, ...call] = each.split(' ');
  console.log(JSON.stringify({ name, said: await ask(...call) }));
}
console.log('done');
setInterval(() => {}, 1_000);
