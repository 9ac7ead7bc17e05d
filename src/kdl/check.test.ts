import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type BlockSchema,
  bytes,
  checkDocument,
  duration,
  flag,
  formatProblem,
  KdlReport,
  number,
  oneOf,
  parseKdl,
  type Section,
  seconds,
  text,
  whole,
} from './index.ts';

const target: BlockSchema = {
  args: ['address'],
  options: { address: { type: text, required: true }, weight: { type: whole(0, 9), fallback: 1 } },
};
const schema: BlockSchema = {
  options: {
    address: { type: text },
    protocol: { type: oneOf('http', 'https'), fallback: 'http', aliases: ['proto'] },
    on: { type: flag },
    wait: { type: seconds(1) },
    pause: { type: duration },
    size: { type: bytes },
    share: { type: number(0, 1) },
    words: { type: text, many: true },
    target: { many: true, block: target },
    set: { block: { options: {}, free: text } },
    old: { type: text, mark: 'ignored', why: 'nobody asks' },
    bad: { mark: 'refused', why: 'it cannot be' },
    from: {
      variants: {
        dns: { options: { name: { type: text, required: true } } },
        magic: { options: {}, mark: 'refused', why: 'there is none' },
      },
    },
    thing: {
      many: true,
      block: {
        args: ['id'],
        options: { id: { type: text }, type: { type: oneOf('a', 'b'), required: true } },
        by: { option: 'type', variants: { a: { options: { x: { type: whole() } } }, b: { options: {} } } },
      },
    },
  },
};

function check(source: string): { readonly section: Section; readonly problems: readonly string[] } {
  const { nodes, problems } = parseKdl(source, 'f');
  const report = new KdlReport();
  report.problems.push(...problems);
  const section = checkDocument(nodes, schema, { file: 'f', line: 1, column: 1 }, report);
  return { section, problems: report.problems.map(formatProblem) };
}

const problemsOf = (source: string) => check(source).problems;

test('values are read as what they are, wherever they may stand', () => {
  const { section, problems } = check(`
    address "a"; wait 2; pause "1.5s"; size "10MB"; share 0.5; on #false
    words "x" "y"
    words "z"
    target "h:1" weight=3
    target { address "h:2" }
    set { "X-A" "1"; X-B 2 }
    from "dns" { name "n" }
  `);
  assert.deepEqual(problems, []);
  assert.deepEqual(
    ['wait', 'pause', 'size', 'share'].map(each => section.number(each)),
    [2_000, 1_500, 10 << 20, 0.5],
  );
  assert.deepEqual(
    [section.text('address'), section.text('protocol'), section.flag('on')],
    ['a', 'http', false],
  );
  assert.deepEqual(section.texts('words'), ['x', 'y', 'z']);
  assert.deepEqual(
    section.sections('target').map(each => [each.text('address'), each.number('weight')]),
    [
      ['h:1', 3],
      ['h:2', 1],
    ],
  );
  assert.deepEqual(
    section.section('set')!.entries.map(({ name, value }) => [name, value]),
    [
      ['X-A', '1'],
      ['X-B', '2'],
    ],
  );
  assert.equal(section.section('from')!.variant, 'dns');
  assert.deepEqual([section.has('old'), section.has('wait')], [false, true]);
});

test('what a block of free names does not take is an error, as a child and as a property', () => {
  assert.deepEqual(problemsOf('set X-A=#true {\n  X-B #true\n  X-C\n}\n'), [
    'f:1:9: error: X-A takes one value: a text (kdl-invalid-value)',
    'f:2:7: error: X-B takes one value: a text (kdl-invalid-value)',
    'f:3:3: error: X-C takes one value: a text (kdl-invalid-value)',
  ]);
});

test('unknown names are errors with their place, as children and as properties', () => {
  assert.deepEqual(problemsOf('adress "x"\ntarget "h:1" wieght=1 {\n  port 1\n}\n'), [
    'f:1:1: error: the configuration has no option adress; did you mean address? (kdl-unknown-name)',
    'f:2:14: error: target "h:1" has no option wieght; did you mean weight? (kdl-unknown-name)',
    'f:3:3: error: target "h:1" has no option port; it has address, weight (kdl-unknown-name)',
  ]);
});

test('values of another type are errors with what is taken', () => {
  assert.deepEqual(
    problemsOf('protocol "htps"\non 1\nwait 0\nsize "3 apples"\naddress\ntarget "h" weight=10\nshare 2'),
    [
      'f:1:10: error: protocol is "htps"; it takes http or https; did you mean https? (kdl-invalid-value)',
      'f:2:4: error: on is 1; it takes #true or #false (kdl-invalid-value)',
      'f:3:6: error: wait is 0; it takes seconds, from 1, or a text such as "500ms" or "2m" (kdl-invalid-value)',
      'f:4:6: error: size is "3 apples"; it takes bytes, as a number or a text such as "10MB" (kdl-invalid-value)',
      'f:5:1: error: address has no value; it takes a text (kdl-invalid-value)',
      'f:6:19: error: weight is 10; it takes a whole number, 0 to 9 (kdl-invalid-value)',
      'f:7:7: error: share is 2; it takes a number, 0 to 1 (kdl-invalid-value)',
    ],
  );
});

test('two options on one line are told apart from two values', () => {
  assert.deepEqual(problemsOf('address "a" protocol "http"\nproto "http" "https"'), [
    'f:1:13: error: protocol is a value of address here; put it on a line of its own, or a ; before it (kdl-run-together)',
    'f:2:14: error: proto takes one value, and has 2 (kdl-invalid-value)',
  ]);
});

test('what stands twice, is missing, has no effect or is refused is said', () => {
  assert.deepEqual(problemsOf('on #true\non #false\ntarget\nold "x"\nbad { anything }\nfrom "dns"'), [
    'f:2:1: error: on stands twice in the configuration, first at f:1:1; keep one of the two (kdl-twice)',
    'f:3:1: error: target needs address: a text (kdl-missing)',
    'f:4:1: warning: old has no effect: nobody asks (kdl-ignored)',
    'f:5:1: error: bad is not supported: it cannot be (kdl-refused)',
    'f:6:1: error: from "dns" needs name: a text (kdl-missing)',
  ]);
});

test('a variant that there is not, or is refused, is said', () => {
  assert.deepEqual(problemsOf('from "dnss" {}'), [
    'f:1:6: error: from is "dnss"; did you mean dns? (kdl-invalid-value)',
  ]);
  assert.deepEqual(problemsOf('from'), [
    'f:1:1: error: from does not say which it is; it is one of dns, magic (kdl-invalid-value)',
  ]);
  assert.deepEqual(problemsOf('from "magic"'), [
    'f:1:1: error: from "magic" is not supported: there is none (kdl-refused)',
  ]);
});

test('an option may say which others there are', () => {
  const { section, problems } = check(
    'thing "1" { type "a"; x 5 }\nthing "2" { type "b"; x 5 }\nthing "3" { x 5 }',
  );
  assert.deepEqual(problems, [
    'f:2:23: error: thing "2" has no option x; it has id, type (kdl-unknown-name)',
    'f:3:13: error: thing "3" has no option x; it has id, type (kdl-unknown-name)',
    'f:3:1: error: thing "3" needs type: a or b (kdl-missing)',
  ]);
  assert.deepEqual(
    [section.sections('thing')[0]!.variant, section.sections('thing')[0]!.number('x')],
    ['a', 5],
  );
});

test('a value of an option that takes none of its kind is named', () => {
  assert.deepEqual(problemsOf('target "a" 1 2\naddress "x" { y }\nset { A }'), [
    'f:1:12: error: target "a" takes no value 1 here (kdl-invalid-value)',
    'f:2:15: error: address takes a value and no block or property (kdl-invalid-value)',
    'f:3:7: error: A takes one value: a text (kdl-invalid-value)',
  ]);
});

test('asking for an option that no schema has is a bug and not an absent value', () => {
  assert.throws(() => check('').section.text('adress'), /has no option adress in its schema/);
});

test('the blocks of nodes that were checked before are the same, and what is wrong with them is told again', () => {
  const { nodes } = parseKdl('thing "1" { type "a"; x 5 }\nthing "2" { type "b"; x 5 }', 'f');
  const begin = { file: 'f', line: 1, column: 1 };
  const once = (): { readonly sections: readonly Section[]; readonly problems: readonly string[] } => {
    const report = new KdlReport();
    const section = checkDocument(nodes, schema, begin, report);
    return { sections: section.sections('thing'), problems: report.problems.map(formatProblem) };
  };
  const [first, second] = [once(), once()];
  assert.equal(first.sections[0], second.sections[0]);
  assert.equal(first.problems.length, 1);
  assert.deepEqual(second.problems, first.problems);
});
