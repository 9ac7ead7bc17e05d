/** Names of Services and values of labels; names of Gateways may have 253 characters, and dots. */
const longest = 63;
const digits = 8;

/** What Deployment, Service and ServiceAccount of a gateway are called: `edge-weft`, NAME-CLASS as GEP-1762 has it. */
export function deploymentName(gateway: string, className: string): string {
  const full = `${gateway}-${className}`;
  // A Service's name begins with a letter.
  return fitting(full, /^[a-z][a-z0-9-]*$/.test(full), name => `g${name.replaceAll('.', '-')}`);
}

/** The value of GATEWAY_NAME_LABEL. */
export function gatewayLabel(gateway: string): string {
  return fitting(gateway, true, name => name);
}

/** What is too long, or must be written another way, ends with digits of its hash, so that no two become one. */
function fitting(name: string, isFit: boolean, rewrite: (name: string) => string): string {
  if (isFit && name.length <= longest) return name;
  const hash = hashOf(name).toString(16).padStart(digits, '0');
  const start = (isFit ? name : rewrite(name)).slice(0, longest - digits - 1).replace(/[^a-z0-9]+$/, '');
  return `${start}-${hash}`;
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return hash;
}
