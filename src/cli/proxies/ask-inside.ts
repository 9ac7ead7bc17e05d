// A question to the admin endpoint of a pod whose loopback is not ours, asked by a process inside of it.
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { PORTS } from '../../config/index.ts';
import { ADMIN_HEADERS, ADMIN_LIMIT_MS, type AdminAnswer } from './admin.ts';

/** Fetches and prints what came; arguments: method, URL, headers. */
const program = `
const [method, url, headers] = process.argv.slice(1);
fetch(url, { method, headers: JSON.parse(headers) })
  .then(async answer => process.stdout.write(JSON.stringify({ status: answer.status, text: await answer.text() })))
  .catch(error => { process.stderr.write(String(error.cause?.message ?? error.message)); process.exitCode = 1; });
`;

/** Asks; `inside` gives the words that run a command in the pod. Rejects with what the process said. */
export async function askInside(
  method: 'GET' | 'POST',
  path: string,
  inside: (command: readonly string[]) => Promise<readonly string[]>,
): Promise<AdminAnswer> {
  const headers = JSON.stringify(method === 'POST' ? ADMIN_HEADERS : {});
  const url = `http://127.0.0.1:${PORTS.admin}${path}`;
  const [first, ...words] = await inside([process.execPath, '-e', program, method, url, headers]);
  const child = spawn(first!, words, { stdio: ['ignore', 'pipe', 'pipe'], timeout: ADMIN_LIMIT_MS });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code !== 0) throw new Error(err.trim().split('\n')[0] || `the process in the pod ended with ${code}`);
  return JSON.parse(out) as AdminAnswer;
}
