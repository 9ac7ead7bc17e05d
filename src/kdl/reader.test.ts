import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KdlReader, parseKdl } from './index.ts';

const route = (id: number, version = 0): string =>
  `  route "r${id}" { passing true; version ${version}; at k="v${id}" }\n`;
const file = (routes: readonly string[]): string => `a 1\nroutes {\n${routes.join('')}}\nb #true\n`;

test('a document read in parts is the document of the whole, after each of many changes', () => {
  const lines = [
    ...[
      'a',
      'b "x" k=1 # true',
      'c true',
      'd {',
      '}',
      '};',
      'e { f; g null }',
      'h { i "}" }',
      '',
      '  ',
      '// c {',
    ],
    ...[
      '/* {',
      '*/',
      'j \\',
      '/-k { l }',
      '/-',
      'm /- { n }',
      'm { /-x',
      'o #"}"#',
      'p r"\\"',
      'q "',
      '"""',
      'r {\r',
      '\uFEFF',
    ],
    ...[
      's; t {',
      '{',
      '(u)v',
      '"w x" {',
      'x=1',
      '} y',
      'z "\\u{41}" "\\"{"',
      '/-kdl-version 2',
      'é "\u2028"',
      '}\r',
      '"a\\/b"',
    ],
    `long "${'x'.repeat(2_100)}"`,
  ];
  let seed = 11;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((seed / 2_147_483_648) * below);
  };
  let whole = 0;
  for (let round = 0; round < 150; round++) {
    const reader = new KdlReader('f');
    let current = ['routes {', lines.at(-1)!, 'c true', '}'];
    for (let change = 0; change < 12; change++) {
      const before = [...current];
      const at = random(current.length + 1);
      if (random(3) === 0) current.splice(at, 1);
      else if (random(2) === 0) current.splice(at, 0, 'd {', lines[random(lines.length)]!, '}');
      else current.splice(at, 0, lines[random(lines.length)]!);
      const text = current.join('\n');
      const expected = parseKdl(text, 'f');
      assert.deepEqual(reader.read(text), expected, JSON.stringify(text));
      // A mistake is taken back, mostly.
      if (expected.nodes.length > 0) whole++;
      else if (random(5) > 0) current = before;
    }
  }
  assert.ok(whole > 600, `only ${whole} of the texts were valid`);
});

test('of a block with many nodes, only those that changed are read again', () => {
  const reader = new KdlReader('f');
  const routes = Array.from({ length: 200 }, (_, id) => route(id));
  const before = reader.read(file(routes)).nodes[1]!.children;
  routes[7] = route(7, 1);
  const after = reader.read(file(routes));
  assert.deepEqual(after, parseKdl(file(routes), 'f'));
  const changed = after.nodes[1]!.children.flatMap((each, index) => (each === before[index] ? [] : [index]));
  assert.deepEqual(changed, [7]);
});

test('nodes behind an inserted line have their new places', () => {
  const reader = new KdlReader('f');
  const routes = Array.from({ length: 100 }, (_, id) => route(id));
  reader.read(file(routes));
  routes.splice(3, 0, '  // one more line\n');
  assert.deepEqual(reader.read(file(routes)), parseKdl(file(routes), 'f'));
});

test('a mistake in one part is told as of the whole file, and what is read after it is right', () => {
  const reader = new KdlReader('f');
  const routes = Array.from({ length: 100 }, (_, id) => route(id));
  reader.read(file(routes));
  const wrong = file(routes).replace('route "r50" {', 'route "r50" ) {');
  assert.deepEqual(reader.read(wrong), parseKdl(wrong, 'f'));
  assert.equal(reader.read(wrong).problems[0]!.at.line, 53);
  assert.deepEqual(reader.read(file(routes)), parseKdl(file(routes), 'f'));
});

test('what cannot be cut, or only with care, is read as the whole is', () => {
  const long = `  x "${'y'.repeat(2_100)}"\n`;
  const texts = [
    `a /- {\n${long}}\nb\n`,
    `/-\na {\n${long}}\nb\n`,
    '/- kdl-version 2\na\nb\n',
    `a {\r${long}}\nb\n`,
    `a \\\n  {\n${long}}\nb\n`,
    'a """\n  {\n  """\nb\n',
    'a #"""\n  }\n  """#\nb\n',
    'a r"\\"\nb true\n',
    'a "x\\/y"\nb "{"\n',
    `a; b {\n${long}}\nc\n`,
    `${'a {\n'.repeat(200)}${long}${'}\n'.repeat(200)}b\n`,
    `${'a {\n'.repeat(5_000)}${long}${'}\n'.repeat(5_000)}b\n`,
  ];
  for (const text of texts)
    assert.deepEqual(new KdlReader('f').read(text), parseKdl(text, 'f'), text.slice(0, 80));
});

test('comments, strings and slashdashes with braces do not keep a file from being read in parts', () => {
  const text = (last: number) =>
    `/* { /* " */\n */\na "/-/x" "/r" "}" #"{"# // {\n/-b { c }\nd \\\n  true\ne ${last}\n`;
  const reader = new KdlReader('f');
  const before = reader.read(text(1)).nodes;
  const after = reader.read(text(2)).nodes;
  assert.deepEqual(after, parseKdl(text(2), 'f').nodes);
  const same = after.map((each, index) => each === before[index]);
  assert.deepEqual(same, [true, true, false]);
});
