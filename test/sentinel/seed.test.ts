// Every block of the seed for Sentinel runs, on a machine of its own (inside/); docs/policies/sentinel.md says what each test
// shows.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';

const may = process.getuid?.() === 0 && spawnSync('unshare', ['-n', '-m', 'true']).status === 0;
const skip = may ? false : 'needs root on Linux, for a network and files of its own';
const seeds = globSync('*.kdl', { cwd: join(import.meta.dirname, '../seeds/sentinel') }).map(each =>
  basename(each, '.kdl'),
);
const also = [
  'what routes say',
  'certificates',
  'namespaces',
  'a folder of certificates',
  'static files',
  'a bad file',
  'an end in order',
];

const work = mkdtempSync(join(tmpdir(), 'weft-sentinel-'));
after(() => rmSync(work, { recursive: true, force: true }));

/** Loopback up; /etc and the home folder are copies that go with the machine, whose names are looked up in its own server. */
const script = `set -e
ip link set lo up
mount -t tmpfs tmpfs "$WORK"
mkdir "$WORK/upper" "$WORK/below" "$WORK/home"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$WORK/upper,workdir=$WORK/below" /etc
rm -f /etc/resolv.conf
echo 'nameserver 127.0.0.1' > /etc/resolv.conf
HOME="$WORK/home" exec "$NODE" "$INSIDE" "$WORK"`;

function inside(): ReadonlyMap<string, string> {
  const { NODE_TEST_CONTEXT: _, KUBECONFIG: _config, KUBERNETES_SERVICE_HOST: _host, ...env } = process.env;
  const { stdout, stderr } = spawnSync(
    'unshare',
    ['-n', '-m', '-p', '-f', '--kill-child', 'sh', '-c', script],
    {
      encoding: 'utf8',
      env: {
        ...env,
        WORK: work,
        NODE: process.execPath,
        INSIDE: join(import.meta.dirname, 'inside/seed.ts'),
      },
      maxBuffer: 64 << 20,
    },
  );
  const lines = stdout.split('\n').filter(line => line.startsWith('{'));
  const results = lines.map(line => JSON.parse(line) as { readonly block: string; readonly failed: string });
  assert.ok(results.length > 0, stderr);
  return new Map(results.map(({ block, failed }) => [block, failed]));
}

const results = skip ? new Map<string, string>() : inside();

for (const name of [...seeds, ...also]) {
  test(`the block ${name} of the seed does what it says`, { skip }, () => {
    assert.equal(results.get(name), '', name);
  });
}

test('docs/policies/sentinel.md names the test of every block', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/policies/sentinel.md'), 'utf8');
  assert.deepEqual(
    seeds.filter(each => !page.includes(`| \`${each}\` |`)),
    [],
  );
});
