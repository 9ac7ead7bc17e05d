const pattern = /^([+-]?\d+(?:\.\d*)?|[+-]?\.\d+)(?:(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)|[eE]([+-]?\d+))?$/;
const scale: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
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

/** The number a Kubernetes quantity stands for (`100m`, `64Mi`, `0.5`, `1e3`), for comparing; undefined when it is none. */
export function parseQuantity(text: string | number): number | undefined {
  const match = pattern.exec(String(text));
  if (!match) return undefined;
  return Number(match[1]) * (match[2] ? scale[match[2]]! : 10 ** Number(match[3] ?? 0));
}
