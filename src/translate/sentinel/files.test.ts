import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatProblem } from '../../kdl/index.ts';
import { parsed } from './files.ts';
import {
  configurationObject,
  type FileReader,
  readFiles,
  readSentinelFiles,
  type SentinelFiles,
} from './index.ts';

/** Files of a folder `/etc`; a pattern with a star means all that begin and end so. */
function folder(files: Readonly<Record<string, string>>): FileReader {
  return {
    absolute: file => (file.startsWith('/') ? file : `/etc/${file}`),
    read(file) {
      const text = files[file.replace('/etc/', '')];
      if (text === undefined) throw new Error('ENOENT');
      return text;
    },
    find(pattern) {
      const [begin = '', end] = pattern.split('*');
      const fits = (name: string): boolean =>
        end === undefined ? name === pattern : name.startsWith(begin) && name.endsWith(end);
      return Object.keys(files)
        .filter(fits)
        .sort()
        .map(name => `/etc/${name}`);
    },
    list(path) {
      const inside = Object.keys(files).filter(name => name.startsWith(`${path.slice(1)}/`));
      if (inside.length === 0) throw new Error('ENOENT');
      return inside.map(name => name.slice(path.length));
    },
  };
}

const read = (files: Readonly<Record<string, string>>) => {
  const { configuration, problems } = readSentinelFiles(readFiles('main.kdl', folder(files)));
  return { configuration, problems: problems.map(formatProblem) };
};
const listener = 'listener "http" { address "0.0.0.0:80" }\n';
const route = (id: string): string =>
  `route "${id}" { matches { path-prefix "/" }; upstream "${id}" }\nupstream "${id}" { target "10.0.0.1:80" }\n`;

test('what included files say stands together, in the order in which they are included', () => {
  const { configuration, problems } = read({
    'main.kdl': `${listener}include "routes/*.kdl" "more.kdl"\n${route('own')}`,
    'routes/b.kdl': route('b'),
    'routes/a.kdl': `include "more.kdl"\n${route('a')}`,
    'more.kdl': route('more'),
  });
  assert.deepEqual(problems, []);
  assert.deepEqual(
    configuration!.routes.map(each => each.id),
    ['own', 'a', 'more', 'b'],
  );
});

test('problems are told with the file that they are in', () => {
  const { problems } = read({
    'main.kdl': `${listener}include "other.kdl"\n`,
    'other.kdl': 'route "r" { matchs { }; upstream "x" }\n',
  });
  assert.deepEqual(problems, [
    '/etc/other.kdl:1:13: error: route "r" has no option matchs; did you mean matches? (kdl-unknown-name)',
  ]);
});

test('a circle is an error, a pattern without files a warning, an id in two files the same as in one', () => {
  assert.deepEqual(
    read({ 'main.kdl': `${listener}include "a.kdl"\n`, 'a.kdl': 'include "main.kdl"\n' }).problems,
    [
      '/etc/a.kdl:1:9: error: include "main.kdl" goes in a circle: /etc/main.kdl → /etc/a.kdl → /etc/main.kdl (sentinel-include)',
    ],
  );
  const none = read({ 'main.kdl': `${listener}include "conf.d/*.kdl"\n${route('a')}` });
  assert.deepEqual(none.problems, [
    'main.kdl:2:9: warning: include "conf.d/*.kdl" means no file (sentinel-include)',
  ]);
  assert.equal(none.configuration!.routes.length, 1);
  const twice = read({ 'main.kdl': `${listener}${route('a')}include "a.kdl"\n`, 'a.kdl': route('a') });
  assert.match(twice.problems[0]!, /\/etc\/a.kdl:1:1: error: there are two routes "a"/);
});

test('of a file that changes only the last document is kept, and one that did not change is not read again', () => {
  const [before, other] = [
    { file: 'kept.kdl', text: 'a 1\n' },
    { file: 'other.kdl', text: 'b 1\n' },
  ];
  const first = parsed(before);
  const beside = parsed(other);
  assert.equal(parsed(before), first);
  assert.deepEqual(
    parsed({ file: 'kept.kdl', text: 'a 2\n' }).nodes[0]!.args.map(each => each.value),
    [2],
  );
  assert.notEqual(parsed(before), first, 'the document of the earlier text was still held');
  assert.equal(parsed(other), beside);
});

test('files that were read are not held against the schema again for their translation', () => {
  const files = readFiles('main.kdl', folder({ 'main.kdl': `${listener}${route('a')}` }));
  const reading = readSentinelFiles(files);
  assert.equal(reading.configuration!.routes.length, 1);
  const { spec } = configurationObject('edge', files);
  assert.equal(readSentinelFiles(spec as SentinelFiles), reading);
  assert.notEqual(readSentinelFiles({ ...files }), reading);
});

const folders = (body: string): string =>
  `listener "l" { address "0.0.0.0:443"; protocol "https"; tls { sni-certs { ${body} } } }\n${route('u')}`;

test('pairs of a folder are certificates of its listener, by stem; what is no pair is left out and told', () => {
  const names = [
    'b.pem',
    'b.key',
    'a.crt',
    'a.key',
    'a.cert',
    'alone.crt',
    'lost.key',
    '.hidden.crt',
    'notes.txt',
  ];
  const inside = Object.fromEntries(names.map(name => [`certs/${name}`, '']));
  const { configuration, problems } = read({ 'main.kdl': folders('cert-folder "/certs"'), ...inside });
  const [config] = configuration!.listeners;
  assert.deepEqual(
    config!.tls?.certificates.map(({ stem, certificate, key }) => [stem, certificate, key]),
    [
      ['a', '/certs/a.crt', '/certs/a.key'],
      ['b', '/certs/b.pem', '/certs/b.key'],
    ],
  );
  assert.deepEqual(config!.tls?.folder, { folder: '/certs', reload: 'watch' });
  assert.deepEqual(
    problems.map(each => each.replace(/^main.kdl:1:\d+: /, '')),
    [
      'warning: /certs/alone.crt is left out: there is no alone.key (sentinel-certificate)',
      'warning: /certs/a.cert is left out: /certs/a.crt has its name, and counts (sentinel-certificate)',
      'warning: /certs/lost.key is left out: it is a key without a certificate (sentinel-certificate)',
    ],
  );
});

test('a folder may be looked at now and then, or with the file alone; one without a pair gives no certificate', () => {
  const pair = { 'certs/a.crt': '', 'certs/a.key': '' };
  const reload = (body: string) =>
    read({ 'main.kdl': folders(`cert-folder "/certs"; ${body}`), ...pair }).configuration?.listeners[0]?.tls
      ?.folder;
  assert.deepEqual(reload('reload-mode "interval"; reload-interval "5s"')?.reload, { everyMs: 5_000 });
  assert.deepEqual(reload('reload-mode "off"')?.reload, 'off');
  const { configuration, problems } = read({ 'main.kdl': folders('cert-folder "/gone"') });
  assert.equal(configuration, undefined);
  assert.match(problems.join('\n'), /warning: cert-folder \/gone cannot be read: ENOENT/);
  assert.match(problems.join('\n'), /error: listener "l" has protocol https and no certificate/);
});

test('folders are looked for wherever a listener may stand', () => {
  const listener = (port: number) =>
    `listener "l${port}" { address "0.0.0.0:${port}"; protocol "https"; tls { sni-certs cert-folder="/certs" } }`;
  const text = `listeners { ${listener(1)} }\nnamespace "n" { ${listener(2)}; service "s" { ${listener(3)} } }\n${route('u')}`;
  const { configuration } = read({ 'main.kdl': text, 'certs/a.crt': '', 'certs/a.key': '' });
  assert.deepEqual(
    configuration?.listeners.map(each => each.tls?.certificates.length),
    [1, 1, 1],
  );
});
