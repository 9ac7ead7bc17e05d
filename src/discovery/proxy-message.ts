import { WeftError } from '../errors/index.ts';
import { MAX_REASON_LENGTH, MAX_SAID_ITEMS, type ProxyMessage, SUBSCRIBE_BATCH } from './protocol.ts';

type Check = (message: Readonly<Record<string, unknown>>) => boolean;

/** What each message must have. A proxy is not trusted to send what the protocol says. */
const checks: Readonly<Record<ProxyMessage['type'], Check>> = {
  sign: ({ csr, token, nowMs }) =>
    isText(csr, 16_384) && (token === undefined || isText(token, 16_384)) && Number.isFinite(nowMs),
  hello: ({ proxyVersion, namespace, pod, answers, machine }) =>
    isText(proxyVersion, 200) &&
    isText(namespace, 253) &&
    isText(pod, 260) &&
    isKinds(answers) &&
    (machine === undefined || isClaim(machine)),
  subscribe: ({ keys }) => isKeys(keys),
  unsubscribe: ({ keys }) => isKeys(keys),
  ack: ({ version }) => Number.isSafeInteger(version),
  nack: ({ version, reason }) => Number.isSafeInteger(version) && typeof reason === 'string',
  pong: () => true,
  said: ({ id, items, left }) =>
    Number.isSafeInteger(id) && Array.isArray(items) && items.length <= MAX_SAID_ITEMS && isCount(left),
  fetch: ({ digest }) => isText(digest, 64),
  done: ({ id, error, left }) =>
    Number.isSafeInteger(id) && (error === undefined || isText(error, MAX_REASON_LENGTH)) && isCount(left),
};

/** So many kinds a proxy may name, and no longer ones. */
const maxKinds = 64;
const maxKindLength = 40;

/** Reads one line of a proxy. Undefined for a type of a later version; a WeftError for what is no message at all. */
export function readProxyMessage(line: string): ProxyMessage | undefined | WeftError {
  let data: unknown;
  try {
    data = JSON.parse(line);
  } catch {
    return malformed('a line is not JSON');
  }
  if (typeof data !== 'object' || data === null || !('type' in data))
    return malformed('a message has no type');
  const { type } = data;
  if (typeof type !== 'string') return malformed('a message has no type');
  if (!Object.hasOwn(checks, type)) return undefined;
  const message = data as ProxyMessage;
  if (checks[message.type](data as Readonly<Record<string, unknown>>)) return message;
  return malformed(`a message of type ${type} lacks a field, or one is of the wrong type or too long`);
}

function malformed(what: string): WeftError {
  return new WeftError('message-malformed', `${what}; speak the protocol of src/discovery/protocol.ts`, {
    source: 'downstream',
  });
}

function isText(value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= maxLength;
}

/** Whether each of them can be followed is judged one by one: a bad one must not cost the others. See keyFault. */
function isKeys(value: unknown): boolean {
  return (
    Array.isArray(value) && value.length <= SUBSCRIBE_BATCH && value.every(each => typeof each === 'string')
  );
}

/** What it says is judged later: see machineClaimFault. */
function isClaim(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { group, address, tunnelPort } = value as Readonly<Record<string, unknown>>;
  return (
    isText(group, 253) && isText(address, 64) && (tunnelPort === undefined || Number.isInteger(tunnelPort))
  );
}

function isKinds(value: unknown): boolean {
  return (
    value === undefined ||
    (Array.isArray(value) && value.length <= maxKinds && value.every(each => isText(each, maxKindLength)))
  );
}

function isCount(value: unknown): boolean {
  return value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0);
}
