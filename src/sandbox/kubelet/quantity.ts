const suffixes: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** The number that a Kubernetes quantity (`250m`, `128Mi`, `2`) stands for; undefined when it is none. */
export function parseQuantity(text: string | number): number | undefined {
  if (typeof text === 'number') return text;
  const match = /^([+-]?\d*\.?\d+(?:[eE][+-]?\d+)?)([numkMGTPE]|[KMGTPE]i)?$/.exec(text.trim());
  if (!match) return undefined;
  const scale = suffixes[match[2] ?? ''];
  return scale === undefined ? undefined : Number(match[1]) * scale;
}
