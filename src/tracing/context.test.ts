import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../test/fuzz/random.ts';
import { requestHead, sentLines } from '../http1/testing/heads.ts';
import { DECISION, FORMAT, TraceContext } from './context.ts';

const trace = '0af7651916cd43dd8448eb211c80319c';
const span = 'b7ad6b7169203331';
const w3c = `00-${trace}-${span}-01`;

interface Sent {
  readonly context: TraceContext;
  readonly lines: readonly string[];
  /** By lower-case name; several of one name are joined by a bar. */
  readonly fields: ReadonlyMap<string, string>;
}

/** A request with these header lines, and what is sent on. */
function pass(lines: readonly string[], sampled?: boolean, alsoB3 = false): Sent {
  const head = requestHead(`GET / HTTP/1.1\r\nHost: a\r\n${lines.map(line => `${line}\r\n`).join('')}\r\n`);
  const context = new TraceContext();
  context.read(head);
  context.propagate(head, sampled ?? context.decision >= DECISION.SAMPLE, alsoB3);
  const fields = new Map<string, string>();
  const sent = sentLines(head).filter(line => !/^host:/i.test(line));
  for (const line of sent) {
    const [, name, value] = /^([^:]+):\s*(.*)$/.exec(line)!;
    const before = fields.get(name!.toLowerCase());
    fields.set(name!.toLowerCase(), before === undefined ? value! : `${before}|${value}`);
  }
  return { context, fields, lines: sent };
}

/** Goes on with the trace that came. */
function goesOn(value: string, flags = '01'): void {
  const { context, fields } = pass([`traceparent: ${value}`]);
  assert.equal(context.invalid, false, value);
  assert.deepEqual([context.traceId, context.parentId], [trace, span], value);
  assert.equal(fields.get('traceparent'), `00-${trace}-${context.spanId}-${flags}`, value);
  assert.notEqual(context.spanId, span);
}

/** Begins another trace, whatever that one was. */
function restarts(lines: readonly string[]): void {
  const { context, fields } = pass([...lines, 'tracestate: a=1'], true);
  assert.equal(context.parentId, '', lines.join());
  assert.match(fields.get('traceparent')!, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/, lines.join());
  assert.notEqual(context.traceId, trace);
  assert.equal(fields.has('tracestate'), false, 'its state is not passed on');
}

test('W3C: a traceparent is gone on with, and its flags are the decision', () => {
  goesOn(w3c);
  goesOn(w3c.replace(/01$/, '00'), '00');
  assert.equal(pass([`traceparent: ${w3c}`]).context.decision, DECISION.SAMPLE);
  assert.equal(pass([`traceparent: ${w3c.replace(/01$/, '00')}`]).context.decision, DECISION.DROP);
  goesOn(w3c.replace(/01$/, '03'), '03');
  goesOn(w3c.replace(/01$/, 'ff'), '03');
  goesOn(w3c.replace(/01$/, '08'), '00');
});

test('W3C: of a later version the fields that are known are read', () => {
  goesOn(w3c.replace(/^00/, '01'));
  goesOn(`${w3c.replace(/^00/, 'cc')}-what-the-future-will-be-like`);
  goesOn(`${w3c.replace(/^00/, 'cc')}-`);
  restarts([`traceparent: ${w3c.replace(/^00/, 'cc')}.what`]);
  restarts([`traceparent: ${w3c.replace(/^00/, 'cc')}x`]);
});

test('W3C: what is no traceparent restarts the trace', () => {
  for (const value of [
    '',
    'x',
    w3c.replace(/^00/, 'ff'),
    `${w3c}-x`,
    `${w3c}x`,
    w3c.slice(0, -1),
    w3c.toUpperCase(),
    w3c.replace(trace, '0'.repeat(32)),
    w3c.replace(span, '0'.repeat(16)),
    w3c.replace('-', '_'),
    w3c.replace(/-(?=01$)/, '.'),
    w3c.replace(/01$/, '0g'),
    w3c.replace(/01$/, '0A'),
    w3c.replace(/^00/, '0'),
    w3c.replace(/^00/, '000'),
    w3c.replace(/^00/, '.0'),
    `${w3c},${w3c}`,
    w3c.replace('0af', '.af'),
    w3c.replace('b7a', 'b-a'),
    `${trace}-${span}-01`,
  ])
    restarts([`traceparent: ${value}`]);
  restarts([`traceparent: ${w3c}`, `traceparent: ${w3c}`]);
  restarts([`traceparent: ${w3c}`, `Traceparent: ${w3c.replace('b7', 'c7')}`]);
  restarts([]);
});

test('W3C: names in any case, blanks around the value, and one field of it sent on', () => {
  const { fields } = pass([`TraceParent:  ${w3c} `]);
  assert.match(fields.get('traceparent')!, new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
});

test('W3C: tracestate is passed on byte for byte, or not at all', () => {
  const good = [
    'a=1',
    'foo=1,bar=2',
    'foo=1 \t , \t bar=2, \t baz=3',
    'foo=1,',
    ',foo=1',
    '',
    't0n@s=x',
    '0a-1@foo=1',
    'foo@=1'.replace('@=', '@b='),
    `${'z'.repeat(256)}=${'y'.repeat(256)}`,
    Array.from({ length: 32 }, (_, i) => `b${i}=1`).join(','),
  ];
  for (const state of good) {
    const { fields } = pass([`traceparent: ${w3c}`, `tracestate: ${state}`]);
    assert.equal(fields.get('tracestate'), state.trim(), state);
  }
  const bad = [
    'foo',
    'foo=1;',
    'foo=1,bar',
    'foo=',
    '=1',
    'FOO=1',
    'foo =1',
    'foo.bar=1',
    'foo=bar=baz',
    'foo=1,foo=2',
    'foo@=1',
    '@foo=1',
    'foo@@bar=1',
    `${'z'.repeat(257)}=1`,
    `z=${'y'.repeat(257)}`,
    Array.from({ length: 33 }, (_, i) => `b${i}=1`).join(','),
  ];
  bad[1] = 'foo=\x80';
  for (const state of bad) {
    const { fields } = pass([`traceparent: ${w3c}`, `tracestate: ${state}`]);
    assert.equal(fields.has('tracestate'), false, state);
    assert.match(fields.get('traceparent')!, new RegExp(`^00-${trace}-`), 'the trace goes on');
  }
  const two = pass([`traceparent: ${w3c}`, 'tracestate: foo=1', 'tracestate: bar=2']);
  assert.equal(two.fields.get('tracestate'), 'foo=1|bar=2');
  const twice = pass([`traceparent: ${w3c}`, 'tracestate: foo=1', 'tracestate: foo=2']);
  assert.equal(twice.fields.has('tracestate'), false);
});

test('B3: one header, in each of its forms, is passed on in its own format and as W3C', () => {
  const cases = [
    [`${trace}-${span}-1`, DECISION.SAMPLE, '1'],
    [`${trace}-${span}-0`, DECISION.DROP, '0'],
    [`${trace}-${span}-d`, DECISION.DEBUG, 'd'],
    [`${trace}-${span}`, DECISION.NONE, '0'],
    [`${trace}-${span}-1-05e3ac9a4f6e3b90`, DECISION.SAMPLE, '1'],
    [`${trace.toUpperCase()}-${span}-1`, DECISION.SAMPLE, '1'],
  ] as const;
  for (const [value, decision, state] of cases) {
    const { context, fields } = pass([`b3: ${value}`]);
    assert.equal(context.decision, decision, value);
    assert.deepEqual([context.traceId, context.parentId], [trace, span]);
    assert.equal(fields.get('b3'), `${trace}-${context.spanId}-${state}-${span}`, value);
    assert.match(fields.get('traceparent')!, new RegExp(`^00-${trace}-${context.spanId}-0[01]$`));
  }
});

test('B3: a decision alone begins a trace with that decision, and stays as it is', () => {
  for (const [value, decision] of [
    ['0', DECISION.DROP],
    ['1', DECISION.SAMPLE],
    ['d', DECISION.DEBUG],
  ] as const) {
    const { context, fields } = pass([`b3: ${value}`]);
    assert.deepEqual([context.decision, context.parentId, fields.get('b3')], [decision, '', value]);
    assert.equal(fields.get('traceparent')!.slice(-2), value === '0' ? '00' : '01');
  }
});

test('B3: ids of 64 bits are filled up for W3C and stay short in B3', () => {
  const short = trace.slice(16);
  const single = pass([`b3: ${short}-${span}-1`]);
  assert.equal(single.context.traceId, `${'0'.repeat(16)}${short}`);
  assert.equal(single.fields.get('b3'), `${short}-${single.context.spanId}-1-${span}`);
  const multi = pass([`X-B3-TraceId: ${short}`, `X-B3-SpanId: ${span}`, 'X-B3-Sampled: 1']);
  assert.equal(multi.fields.get('x-b3-traceid'), short);
  assert.equal(multi.context.traceId, `${'0'.repeat(16)}${short}`);
});

test('B3: several headers', () => {
  const parent = ['X-B3-TraceId', trace].join(': ');
  const ids = [parent, `X-B3-SpanId: ${span}`, 'X-B3-ParentSpanId: 05e3ac9a4f6e3b90'];
  const { context, fields } = pass([...ids, 'X-B3-Sampled: 1']);
  assert.deepEqual([context.traceId, context.parentId, context.decision], [trace, span, DECISION.SAMPLE]);
  assert.equal(fields.get('x-b3-traceid'), trace);
  assert.equal(fields.get('x-b3-spanid'), context.spanId);
  assert.equal(fields.get('x-b3-parentspanid'), span);
  assert.equal(fields.get('x-b3-sampled'), '1');
  assert.equal(pass([...ids, 'X-B3-Sampled: false']).context.decision, DECISION.DROP);
  assert.equal(pass([...ids, 'X-B3-Sampled: true']).context.decision, DECISION.SAMPLE);
  assert.equal(pass([...ids, 'X-B3-Sampled: d']).context.decision, DECISION.NONE);
  assert.equal(pass(ids).context.decision, DECISION.NONE);
  const debug = pass([...ids, 'X-B3-Flags: 1']);
  assert.equal(debug.context.decision, DECISION.DEBUG);
  assert.equal(debug.fields.get('x-b3-flags'), '1');
  assert.equal(debug.fields.has('x-b3-sampled'), false);
  assert.equal(pass(['X-B3-Sampled: 0']).context.decision, DECISION.DROP);
  assert.equal(pass([...ids, 'X-B3-Flags: 0']).context.decision, DECISION.NONE);
});

test('B3: what is none begins a trace of its own', () => {
  for (const lines of [
    [`b3: ${trace}`],
    [`b3: ${trace}-${span}-2`],
    [`b3: ${trace}-${span}-`],
    [`b3: ${trace}-${span}-10`],
    [`b3: ${trace}-${span.slice(1)}-1`],
    [`b3: ${'0'.repeat(32)}-${span}-1`],
    [`b3: ${trace}-${'0'.repeat(16)}-1`],
    [`b3: ${trace}_${span}`],
    ['b3: '],
    [`X-B3-TraceId: ${trace}`],
    [`X-B3-SpanId: ${span}`],
    [`X-B3-TraceId: ${trace.slice(1)}`, `X-B3-SpanId: ${span}`],
    [`X-B3-TraceId: g${trace.slice(1)}`, `X-B3-SpanId: ${span}`],
  ]) {
    const { context, fields } = pass(lines);
    assert.deepEqual([context.parentId, context.decision], ['', DECISION.NONE], lines.join());
    assert.equal(fields.get('traceparent')!.includes(trace), false);
  }
});

test('where both came W3C is gone on with, and B3 says the same afterwards', () => {
  const other = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
  const { context, fields } = pass([`b3: ${other}-${span}-0`, `traceparent: ${w3c}`]);
  assert.deepEqual([context.traceId, context.decision], [trace, DECISION.SAMPLE]);
  assert.equal(fields.get('b3'), `${trace}-${context.spanId}-1-${span}`);
  const mended = pass([`b3: ${trace}-${span}-1`, 'traceparent: nonsense', 'tracestate: a=1']);
  assert.deepEqual([mended.context.traceId, mended.context.invalid], [trace, true]);
  assert.equal(mended.fields.has('tracestate'), false);
});

test("a new trace is told to apps that pass on Zipkin's headers alone, where that is asked for", () => {
  const { context, fields } = pass([], true, true);
  assert.equal(context.formats, 0);
  assert.equal(fields.get('x-b3-traceid'), context.traceId);
  assert.equal(fields.get('x-b3-spanid'), context.spanId);
  assert.equal(fields.get('x-b3-sampled'), '1');
  assert.equal(fields.has('x-b3-parentspanid'), false);
  assert.equal(pass([], true).fields.has('x-b3-traceid'), false);
});

test('whatever comes: one valid traceparent goes out, and the context that the next proxy reads is this one', () => {
  const random = new Random(12);
  const pieces = [trace, span, '00', '01', '-', 'd', '0', 'ff', w3c, `${trace}-${span}`, 'é', ' ', ',', 'A'];
  const names = [
    'traceparent',
    'b3',
    'x-b3-traceid',
    'x-b3-spanid',
    'x-b3-sampled',
    'x-b3-flags',
    'tracestate',
  ];
  let wentOn = 0;
  for (let i = 0; i < 4_000; i++) {
    const lines = Array.from({ length: random.int(5) }, () => {
      const value = Array.from({ length: 1 + random.int(3) }, () => random.pick(pieces)).join('');
      return `${random.pick(names)}: ${value}`;
    });
    const first = pass(lines, random.oneIn(2), random.oneIn(2));
    const sent = first.fields.get('traceparent')!;
    assert.match(sent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]$/, lines.join('\n'));
    if (first.context.parentId !== '') wentOn++;
    const second = pass(first.lines);
    assert.deepEqual(
      [second.context.traceId, second.context.parentId],
      [first.context.traceId, first.context.spanId],
      lines.join('\n'),
    );
    assert.ok(second.context.formats & FORMAT.W3C);
  }
  assert.ok(wentOn > 25, `${wentOn} traces were gone on with`);
});

test('an object that serves one request after the other forgets the one before', () => {
  const context = new TraceContext();
  const first = requestHead(`GET / HTTP/1.1\r\nHost: a\r\nb3: ${trace.slice(16)}-${span}-d\r\n\r\n`);
  context.read(first);
  context.propagate(first, true, false);
  context.read(requestHead('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
  const { formats, hasParent, decision, invalid, short, traceId, parentId } = context;
  assert.deepEqual(
    { formats, hasParent, decision, invalid, short, traceId, parentId },
    {
      formats: 0,
      hasParent: false,
      decision: DECISION.NONE,
      invalid: false,
      short: false,
      traceId: '',
      parentId: '',
    },
  );
});
