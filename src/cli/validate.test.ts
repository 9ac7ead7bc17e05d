import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';

const main = join(import.meta.dirname, '../main/weft.ts');

function run(command: string, args: readonly string[], input = '') {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, command, ...args], {
    input,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

function fileOf(context: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'weft-validate-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'edge.kdl'), text);
  return join(folder, 'edge.kdl');
}

const good = `listener "http" { address "0.0.0.0:8080" }
upstream "api" { target "10.0.0.1:80" }
route "all" { matches { path-prefix "/" }; upstream "api" }
`;

test('a file that is in order is exit code 0', context => {
  assert.deepEqual(run('validate', [fileOf(context, good)]), {
    status: 0,
    stdout: 'nothing found\n',
    stderr: '',
  });
  assert.equal(run('lint', ['-'], good).status, 0);
});

test('a typo is named with file, line, column and what was meant, and is exit code 1', context => {
  const file = fileOf(context, good.replace('target ', 'taget '));
  const { status, stdout } = run('validate', [file]);
  assert.equal(status, 1);
  assert.equal(
    stdout,
    `${file}:2:18: error: upstream "api" has no option taget; did you mean target? (kdl-unknown-name)\n`,
  );
});

test('a warning is exit code 0 for validate and 1 for lint', context => {
  const file = fileOf(context, `${good}upstream "spare" { target "10.0.0.2:80" }\n`);
  assert.deepEqual([run('validate', [file]).status, run('lint', [file]).status], [0, 1]);
});

test('JSON has the place of each problem', () => {
  const { status, stdout } = run('validate', ['-o', 'json', '-'], 'listner "a" {}\n');
  assert.equal(status, 1);
  assert.deepEqual(JSON.parse(stdout), [
    {
      severity: 'error',
      code: 'kdl-unknown-name',
      message: 'the configuration has no option listner; did you mean listener?',
      at: { file: '-', line: 1, column: 1 },
    },
  ]);
});

test('certificates that are not there are errors, unless files are left alone', context => {
  const file = fileOf(
    context,
    good.replace('}', '; protocol "https"; tls { cert-file "/no/tls.crt"; key-file "/no/tls.key" } }'),
  );
  const found = run('validate', [file]);
  assert.equal(found.status, 1);
  assert.match(found.stdout, /:1:\d+: error: the certificate in \/no\/tls\.crt cannot be used: ENOENT/);
  assert.equal(run('validate', ['--no-files', file]).status, 0);
});

test('what cannot be read is exit code 2', () => {
  for (const command of ['validate', 'lint'])
    for (const args of [['no-such-file.kdl'], [], ['-o', 'xml', '-']]) {
      const { status, stdout, stderr } = run(command, args);
      assert.deepEqual([status, stdout], [2, ''], args.join(' '));
      assert.match(stderr, /^error: /);
    }
});

test('folders of files and of certificates are looked at: one that is missing is an error, a bad pair is left out', context => {
  const text = `listener "l" { address "0.0.0.0:8443"; protocol "https"; tls { sni-certs { cert-folder "CERTS" } } }
route "files" { matches { path-prefix "/" }; static-files { root "/nowhere/at/all" } }
`;
  const folder = mkdtempSync(join(tmpdir(), 'weft-validate-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const each of ['a.crt', 'a.key', 'alone.key']) writeFileSync(join(folder, each), 'nothing');
  const file = fileOf(context, text.replace('CERTS', folder));
  const { status, stdout } = run('validate', [file]);
  assert.equal(status, 1);
  assert.match(
    stdout,
    /edge\.kdl:1:\d+: warning: .*alone\.key is left out: it is a key without a certificate/,
  );
  assert.match(
    stdout,
    /edge\.kdl:1:\d+: warning: the certificate in .*a\.crt cannot be used: .*; it is left out/,
  );
  assert.match(
    stdout,
    /edge\.kdl:2:\d+: error: root \/nowhere\/at\/all of static-files cannot be served: .*\(sentinel-folder\)/,
  );
  assert.equal(run('validate', ['--no-files', file]).status, 0);
});
