// What a plain scalar of YAML is to kubectl: sigs.k8s.io/yaml, which reads with goyaml.v2. Nearly YAML 1.1, but for base 60,
// dates and `0o17`; kube-yaml.test.ts has values that its Go source gave.

/** A value of a plain scalar. Whole numbers beyond 2^53 are BigInts. */
export type ScalarValue = string | number | bigint | boolean | null;

const words = new Map<string, boolean | null>([
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map(
    each => [each, true] as const,
  ),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map(
    each => [each, false] as const,
  ),
  ...['', '~', 'null', 'Null', 'NULL'].map(each => [each, null] as const),
]);
const notNumbers = /^(\.nan|\.NaN|\.NAN|[-+]?\.(inf|Inf|INF))$/;
const whole = /^([-+]?)(?:(0[xX][\da-fA-F]+|0[bB][01]+)|0[oO]?([0-7]+)|(0|[1-9]\d*))$/;
const float = /^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/;
const most = 2n ** 64n - 1n;

/** The value of the text; undefined for infinities and what is no number, which JSON has no word for. */
export function scalarValue(text: string): ScalarValue | undefined {
  const word = words.get(text);
  if (word !== undefined) return word;
  if (notNumbers.test(text)) return undefined;
  if (!/^[-+.\d]/.test(text)) return text;
  // Underscores are passed over wherever they stand, but for a number that begins with its point.
  const plain = text.startsWith('.') ? text : text.replaceAll('_', '');
  const number = wholeNumber(plain);
  if (number !== undefined) return number;
  const value = float.test(plain) ? Number(plain) : Number.NaN;
  return Number.isFinite(value) ? value : text;
}

function wholeNumber(plain: string): number | bigint | undefined {
  const match = whole.exec(plain);
  if (!match) return undefined;
  const [, sign, based, octal, decimal] = match;
  const size = BigInt(based ?? (octal === undefined ? decimal! : `0o${octal}`));
  // An octal number that fits into no integer is read as a float, and that is decimal.
  if (octal !== undefined && size > most) return undefined;
  const value = sign === '-' ? -size : size;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
