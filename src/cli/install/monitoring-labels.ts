import { InvalidArgumentError } from 'commander';

// https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
const key = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const value = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

/** Labels out of `a=b,c=d`; throws commander's InvalidArgumentError for what Kubernetes would not take. */
export function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const part of text.split(',').filter(Boolean)) {
    const at = part.indexOf('=');
    const [name, said] = [part.slice(0, at), part.slice(at + 1)];
    if (at < 1 || !key.test(name) || !value.test(said))
      throw new InvalidArgumentError(`'${part}' is no label; write NAME=VALUE, such as release=prometheus`);
    labels[name] = said;
  }
  return labels;
}
