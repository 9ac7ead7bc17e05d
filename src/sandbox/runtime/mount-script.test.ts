import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { machineCapabilities } from '../host/index.ts';
import { machineFiles } from './host-files.ts';
import { enterRoot, type HostFiles, type Mount, mountScript } from './mount-script.ts';

const machine: HostFiles = {
  realPath: path =>
    ({
      '/': '/',
      '/etc': '/etc',
      '/etc/hosts': '/etc/hosts',
      '/run': '/run',
      '/var': '/var',
      '/var/run': '/run',
    })[path],
  mode: () => '755',
};

function mount(source: string, target: string, more: Partial<Mount> = {}): Mount {
  return { source, target, isFile: false, readOnly: false, ...more };
}

test('a target that exists is bound over, and nothing else happens', () => {
  const { lines, root } = mountScript([mount('hosts', '/etc/hosts', { isFile: true })], machine, '/scratch');
  assert.deepEqual([lines, root], [["R=''", 'mount -c --bind hosts "$R"/etc/hosts'], '']);
});

test('folders are covered once, through their real names, however many targets they lack', () => {
  const { lines } = mountScript(
    [mount('a', '/var/run/weft/a'), mount('b', '/run/weft/b')],
    machine,
    '/scratch',
  );
  assert.equal(lines.filter(line => line.includes('-t tmpfs')).length, 1);
  assert.ok(lines.includes('mkdir -p "$R"/run/weft/a'));
  assert.ok(lines.includes('mount -c --bind b "$R"/run/weft/b'));
});

test('a target directly below / needs a new root', () => {
  const { root } = mountScript([mount('a', '/data')], machine, '/scratch');
  assert.equal(root, '/scratch/root');
});

test('a target inside another one is made in that one', () => {
  const { lines, root } = mountScript(
    [mount('inner', '/etc/hosts/x'), mount('outer', '/etc/hosts')],
    machine,
    '/scratch',
  );
  const binds = lines.filter(line => line.includes('--bind'));
  assert.deepEqual(
    [binds, root],
    [['mount -c --bind outer "$R"/etc/hosts', 'mount -c --bind inner "$R"/etc/hosts/x'], ''],
  );
});

test('read-only stays read-only', () => {
  const { lines } = mountScript([mount('a', '/etc', { readOnly: true })], machine, '/scratch');
  assert.equal(lines.at(-1), 'mount -o remount,bind,exec,ro "$R"/etc');
});

const noNamespaces = machineCapabilities().reasons.join('; ') || false;

test('in a real mount namespace every target shows its source and the machine keeps its files', {
  skip: noNamespaces,
}, context => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'weft-mount-')));
  context.after(() => rmSync(folder, { recursive: true }));
  const host = join(folder, 'host');
  for (const path of ['volumes/a', 'volumes/b', 'volumes/c', 'host/kept', 'scratch'])
    mkdirSync(join(folder, path), { recursive: true });
  writeFileSync(join(folder, 'volumes/a/file'), 'from a');
  writeFileSync(join(folder, 'volumes/b/file'), 'from b');
  writeFileSync(join(folder, 'volumes/c/file'), 'from c');
  writeFileSync(join(host, 'kept/file'), 'the host');
  symlinkSync('kept/file', join(host, 'link'));
  const mounts = [
    mount('volumes/a', `${host}/new/deep/a`),
    mount('volumes/b', '/weft-test-below-root'),
    // Covers the folder that the sources are in: the others must still be reached.
    mount('volumes/c', folder, { readOnly: true }),
  ];
  const { lines, root } = mountScript(mounts.slice(0, 2), machineFiles, join(folder, 'scratch'));
  const show = `cat ${host}/new/deep/a/file /weft-test-below-root/file ${host}/kept/file ${host}/link; echo; echo x >${host}/new/deep/a/made`;
  const script = ['set -e', `cd ${folder}`, ...lines, ...enterRoot(root, '/', ['sh', '-c', show])].join('\n');
  const output = execFileSync('unshare', ['--mount', '--', 'sh', '-c', script], { encoding: 'utf8' });
  assert.equal(output, 'from afrom bthe hostthe host\n');
  assert.deepEqual(readdirSync(host).sort(), ['kept', 'link']);
  assert.deepEqual(readdirSync(join(folder, 'volumes/a')).sort(), ['file', 'made']);

  const covering = mountScript(
    [mounts[2]!, mount('volumes/a', `${folder}/volumes`)],
    machineFiles,
    join(folder, 'scratch'),
  );
  const inner = [
    'set -e',
    `cd ${folder}`,
    ...covering.lines.filter(line => !line.includes('remount')),
    `cat ${folder}/file ${folder}/volumes/file`,
  ];
  const covered = spawnSync('unshare', ['--mount', '--', 'sh', '-c', inner.join('\n')], { encoding: 'utf8' });
  assert.equal(`${covered.stdout}${covered.stderr}`, 'from cfrom a');
});
