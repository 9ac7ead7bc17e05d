// What can be done with values: operators and functions, each with the types that it takes.
import { nearest } from './attributes.ts';
import { ExpressionFault } from './tokens.ts';
import { type Type, type Value, word } from './value.ts';

/** How a function takes its arguments. */
export interface Overload {
  readonly args: readonly Type[];
  readonly gives: Type;
  readonly run: (...values: never[]) => Value;
}

const same = (left: Value, right: Value): Value => left === right;
const numbers = ['int', 'double'] as const;

function comparison(run: (left: string | number, right: string | number) => boolean): readonly Overload[] {
  const pairs: readonly (readonly Type[])[] = [
    ['string', 'string'],
    ...numbers.flatMap(left => numbers.map(right => [left, right] as const)),
  ];
  return pairs.map(args => ({ args, gives: 'bool', run }));
}

function arithmetic(run: (left: number, right: number) => number): readonly Overload[] {
  return numbers.flatMap(left =>
    numbers.map((right): Overload => {
      const gives = left === 'int' && right === 'int' ? 'int' : 'double';
      return { args: [left, right], gives, run: (a: number, b: number) => finite(run(a, b), gives) };
    }),
  );
}

function finite(value: number, type: Type): Value {
  if (!Number.isFinite(value)) return undefined;
  return type === 'int' ? Math.trunc(value) : value;
}

function equality(run: (left: Value, right: Value) => Value): readonly Overload[] {
  return [...comparison(run as never), { args: ['bool', 'bool'], gives: 'bool', run }];
}

const onText = (run: (text: string, other: string) => Value, gives: Type): readonly Overload[] => [
  { args: ['string', 'string'], gives, run },
];

/** Operators are functions by their sign; methods of a value begin with a dot. */
const functions: Readonly<Record<string, readonly Overload[]>> = {
  '==': equality(same),
  '!=': equality((left, right) => left !== right),
  '<': comparison((left, right) => left < right),
  '<=': comparison((left, right) => left <= right),
  '>': comparison((left, right) => left > right),
  '>=': comparison((left, right) => left >= right),
  '+': [...onText((left, right) => left + right, 'string'), ...arithmetic((left, right) => left + right)],
  '-': arithmetic((left, right) => left - right),
  '*': arithmetic((left, right) => left * right),
  '/': arithmetic((left, right) => left / right),
  '%': [{ args: ['int', 'int'], gives: 'int', run: (a: number, b: number) => finite(a % b, 'int') }],
  '!': [{ args: ['bool'], gives: 'bool', run: (value: boolean) => !value }],
  '-x': numbers.map(type => ({ args: [type], gives: type, run: (value: number) => -value })),
  '.startsWith': onText((text, start) => text.startsWith(start), 'bool'),
  '.endsWith': onText((text, end) => text.endsWith(end), 'bool'),
  '.contains': onText((text, part) => text.includes(part), 'bool'),
  '.size': [
    { args: ['string'], gives: 'int', run: (text: string) => [...text].length },
    { args: ['list'], gives: 'int', run: (list: readonly Value[]) => list.length },
  ],
  string: (['string', 'int', 'double', 'bool'] as const).map(type => ({
    args: [type],
    gives: 'string',
    run: (value: string | number | boolean) => String(value),
  })),
  int: [
    ...numbers.map(
      (type): Overload => ({ args: [type], gives: 'int', run: (a: number) => finite(a, 'int') }),
    ),
    { args: ['string'], gives: 'int', run: (a: string) => (/^-?\d{1,15}$/.test(a) ? Number(a) : undefined) },
  ],
  double: [
    ...numbers.map((type): Overload => ({ args: [type], gives: 'double', run: (a: number) => a })),
    {
      args: ['string'],
      gives: 'double',
      run: (a: string) => (a.trim() === '' ? undefined : finite(Number(a), 'double')),
    },
  ],
};

/** Those of Envoy that are left out, with what to do instead. */
const missing: Readonly<Record<string, string>> = {
  timestamp: 'times are not supported',
  duration: 'durations are not supported; request.duration is a number of milliseconds',
  '.map': 'macros over lists are not supported',
  '.filter': 'macros over lists are not supported',
  '.all': 'macros over lists are not supported',
  '.exists': 'macros over lists are not supported; write x in [a, b]',
  '.exists_one': 'macros over lists are not supported',
};

/** The overloads of a function. Throws an ExpressionFault for one that is not there, with the remedy. */
export function overloadsOf(name: string, at: number): readonly Overload[] {
  const overloads = functions[name];
  if (overloads !== undefined) return overloads;
  throw new ExpressionFault(`no function is called ${shownAs(name)}; ${remedyOf(name)}`, at);
}

/** The one that takes arguments of these types; throws as above. */
export function overloadOf(name: string, types: readonly Type[], at: number): Overload {
  const overload = overloadsOf(name, at).find(
    each => each.args.length === types.length && each.args.every((type, i) => type === types[i]),
  );
  if (overload === undefined) throw new ExpressionFault(mismatch(shownAs(name), types), at);
  return overload;
}

const shownAs = (name: string): string => name.replace(/^\./, '');

function remedyOf(name: string): string {
  const reason = missing[name] ?? missing[`.${name}`];
  if (reason !== undefined) return reason;
  const named = Object.keys(functions).filter(each => /\w/.test(each));
  const near = nearest(name, named);
  return near === undefined
    ? 'docs/telemetry.md lists those that are known'
    : `did you mean ${shownAs(near)}?`;
}

function mismatch(name: string, types: readonly Type[]): string {
  const words = types.map(word).join(' and a ');
  const remedy =
    types.includes('string') && types.some(type => type === 'int' || type === 'double')
      ? '; write numbers without quotes, or turn one side with string() or int()'
      : '';
  return `'${name}' cannot be done with a ${words}${remedy}`;
}
