import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatPosition, formatProblem, type KdlNode, parseKdl } from './index.ts';

/** `name@line:column(arg@line:column …)[children]` */
function shown({ name, at, args, properties, children }: KdlNode): string {
  const place = (where: KdlNode['at']) => `${where.line}:${where.column}`;
  const values = [
    ...args.map(each => `${JSON.stringify(each.value)}@${place(each.at)}`),
    ...properties.map(
      each => `${each.name}@${place(each.nameAt)}=${JSON.stringify(each.value)}@${place(each.at)}`,
    ),
  ];
  const inside = children.length === 0 ? '' : `[${children.map(shown).join(' ')}]`;
  return `${name}@${place(at)}(${values.join(' ')})${inside}`;
}

const read = (text: string) => {
  const { nodes, problems } = parseKdl(text, 'a.kdl');
  return { nodes: nodes.map(shown), problems: problems.map(formatProblem) };
};

test('every node, argument and property of KDL v2 has its line and column', () => {
  assert.deepEqual(read('a "x" #true {\n  // comment\n  b k=1 { c }\n}\n'), {
    nodes: ['a@1:1("x"@1:3 true@1:7)[b@3:3(k@3:5=1@3:7)[c@3:11()]]'],
    problems: [],
  });
});

test('one-line blocks with the keywords of v1 are read as v2, with a warning for each and their true places', () => {
  const { nodes, problems } = read('a { passing true }\nb { x null; y false }\nc "t" k=true\n');
  assert.deepEqual(nodes, [
    'a@1:1()[passing@1:5(true@1:13)]',
    'b@2:1()[x@2:5(null@2:7) y@2:13(false@2:15)]',
    'c@3:1("t"@3:3 k@3:7=true@3:9)',
  ]);
  assert.deepEqual(problems, [
    'a.kdl:1:13: warning: true is KDL v1; read as #true, which is how v2 writes it (kdl-v1-keyword)',
    'a.kdl:2:7: warning: null is KDL v1; read as #null, which is how v2 writes it (kdl-v1-keyword)',
    'a.kdl:2:15: warning: false is KDL v1; read as #false, which is how v2 writes it (kdl-v1-keyword)',
    'a.kdl:3:9: warning: true is KDL v1; read as #true, which is how v2 writes it (kdl-v1-keyword)',
  ]);
});

test('places stay true after many words of v1, whether what replaces them is longer or shorter', () => {
  const lines = 300;
  const { nodes } = parseKdl('a { b true; c r#"x"# null }\n'.repeat(lines), 'a.kdl');
  assert.equal(nodes.length, lines);
  for (const [index, node] of nodes.entries())
    assert.equal(
      shown({ ...node, at: { ...node.at, line: 0 } }),
      `a@0:1()[b@L:5(true@L:7) c@L:13("x"@L:15 null@L:22)]`.replaceAll('L', `${index + 1}`),
    );
});

test('true in strings, comments, names and raw strings is left alone', () => {
  const text =
    'a true {\n  b "is true" // true\n  /* true /* true */ */ c #"true"# truth=1\n  true-ish true\n}\n';
  const { nodes, problems } = read(text);
  assert.deepEqual(nodes, [
    'a@1:1(true@1:3)[b@2:3("is true"@2:5) c@3:25("true"@3:27 truth@3:36=1@3:42) true-ish@4:3(true@4:12)]',
  ]);
  assert.equal(problems.length, 2);
});

test('raw strings of v1 beside what only v2 takes are read, too', () => {
  const { nodes, problems } = read('a { p r"\\d+" }\nb { q r#"a"b"# }\n');
  assert.deepEqual(nodes, ['a@1:1()[p@1:5("\\\\d+"@1:7)]', 'b@2:1()[q@2:5("a\\"b"@2:7)]']);
  assert.equal(problems.filter(each => each.includes('kdl-v1-keyword')).length, 2);
});

test('a file that is KDL v1 by its strings is read as that, with one warning', () => {
  const { nodes, problems } = read('a "x\\/y" true\n');
  assert.deepEqual(nodes, ['a@1:1("x/y"@1:3 true@1:10)']);
  assert.equal(problems.length, 1);
  assert.match(problems[0]!, /^a\.kdl:1:1: warning: read as KDL v1.*\(kdl-v1\)$/);
});

test('what is no KDL is an error with its place, and no nodes', () => {
  const { nodes, problems } = parseKdl('a {\n  b 1 2\n  c )\n}\n', 'b.kdl');
  assert.deepEqual(nodes, []);
  assert.equal(problems[0]!.code, 'kdl-syntax');
  assert.equal(formatPosition(problems[0]!.at), 'b.kdl:3:5');
});

test('a keyword of v1 does not hide the real mistake behind it', () => {
  const { problems } = parseKdl('a { passing true }\nb )\n', 'b.kdl');
  assert.equal(formatPosition(problems[0]!.at), 'b.kdl:2:3');
});

test('blocks in blocks in blocks without end are an error of the file, not of the parser', () => {
  const { nodes, problems } = parseKdl('a {'.repeat(20_000) + '}'.repeat(20_000), 'b.kdl');
  assert.deepEqual(nodes, []);
  assert.deepEqual(problems.map(formatProblem), [
    'b.kdl:1:1: error: blocks stand in blocks too deeply to be read; is a } missing in what wrote this file? (kdl-syntax)',
  ]);
});

test('a string that is not ended is told where it begins', () => {
  const { problems } = parseKdl('a\nb "x\nc\n', 'b.kdl');
  assert.equal(problems[0]!.at.line, 2);
});

test('nothing of what may stand in a file makes it throw', () => {
  const pieces = [
    'a',
    ' ',
    '"',
    '#',
    '{',
    '}',
    ';',
    '\n',
    'true',
    'r',
    '=',
    '/*',
    '*/',
    '//',
    '/-',
    '\\',
    '"""',
    '(',
    ')',
    '1',
  ];
  let seed = 7;
  for (let round = 0; round < 3_000; round++) {
    let text = '';
    for (let length = 0; length < 14; length++) {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      text += pieces[seed % pieces.length]!;
    }
    const { nodes, problems } = parseKdl(text, 'f');
    assert.ok(
      problems.every(each => each.at.line >= 1 && each.at.column >= 1),
      text,
    );
    assert.ok(nodes.length === 0 || problems.every(each => each.severity === 'warning'), text);
  }
});
