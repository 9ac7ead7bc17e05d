// Asks each of the addresses given, once and at once, and ends: ask.mjs [--exit CODE] ADDRESS…   http://… is a GET that must be answered
// with 2xx, tcp://host:port a connection that must open. The exit code is CODE (0 unless given) when all went well, else 9.
import { connect } from 'node:net';

const args = process.argv.slice(2);
const code = args[0] === '--exit' ? Number(args.splice(0, 2)[1]) : 0;

async function ask(address) {
  const { protocol, hostname, port } = new URL(address);
  if (protocol === 'http:') {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    return;
  }
  await new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => resolve(socket.destroy()));
    socket.setTimeout(10_000, () => socket.destroy(new Error('no answer in 10 s')));
    socket.on('error', reject);
  });
}

for (const address of args) {
  try {
    await ask(address);
    console.log(`${address}: ok`);
  } catch (error) {
    console.log(`${address}: ${error.cause ?? error}`);
    process.exit(9);
  }
}
process.exit(code);
