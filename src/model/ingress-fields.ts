// ConfigMaps whose keys are names of fields of headers, as ingress-nginx has them: where they are named, so that who reads the
// Kubernetes API reads no others.

/** What names one: annotations of Ingresses, and keys of the ConfigMap of ingress-nginx. */
export const INGRESS_FIELDS = {
  annotations: ['custom-headers', 'auth-proxy-set-headers'].map(
    each => `nginx.ingress.kubernetes.io/${each}`,
  ),
  keys: ['add-headers', 'proxy-set-headers'],
} as const;

/** `NAMESPACE/NAME` or, where there is a namespace of one's `own`, `NAME`; undefined for what names no ConfigMap. */
export function fieldsRef(text: string, own = ''): string | undefined {
  const [first = '', second, ...more] = text.trim().split('/');
  const [namespace, name] = second === undefined ? [own, first] : [first, second];
  return /^[a-z0-9-]+$/.test(namespace) && /^[a-z0-9.-]+$/.test(name) && more.length === 0
    ? `${namespace}/${name}`
    : undefined;
}
