import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { createRequire } from 'node:module';
import type { BasicAuth, ObjectRef } from '../../model/index.ts';
import { type FilteredRequest, type Instead, PASS } from '../filters/filter.interface.ts';
import { localReply } from '../replies/local-replies.ts';
import type { AccessStep } from './access.ts';
import { md5Crypt } from './md5-crypt.ts';
import { shaCrypt } from './sha-crypt.ts';

/** Passwords that were right, or wrong, are remembered so many. */
const maxKnown = 4096;
/** Checks that wait for their turn; whoever comes then is told to come again. */
const maxWaiting = 64;

const authorization = Buffer.from('authorization', 'latin1');

interface Bcrypt {
  compare(password: string, hash: string): Promise<boolean>;
}

// The bundler sees this call and keeps the package inside the bundle; Node itself has no `require` in a module.
declare const require: NodeJS.Require | undefined;
let loaded: Bcrypt | undefined;

function bcrypt(): Bcrypt {
  loaded ??= (
    typeof require === 'undefined' ? createRequire(import.meta.url)('bcryptjs') : require('bcryptjs')
  ) as Bcrypt;
  return loaded;
}

/**
 * Compares passwords with hashes of htpasswd and crypt(3). Those that are meant to be slow are checked one after the other, so
 * that whoever tries passwords out does not take the proxy's time from others, and what was found is remembered by a keyed hash.
 */
export class Passwords {
  readonly #key = randomBytes(32);
  readonly #known = new Map<string, boolean>();
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Undefined: too many wait already. */
  check(password: string, hash: string): boolean | Promise<boolean> | undefined {
    const quick = quickly(password, hash);
    if (quick !== undefined) return quick;
    const isSha = /^\$[56]\$/.test(hash);
    if (!isSha && !/^\$2[aby]\$/.test(hash)) return false;
    const name = createHmac('sha256', this.#key).update(`${hash}\n${password}`).digest('base64');
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    if (this.#waiting >= maxWaiting) return undefined;
    this.#waiting++;
    const found = this.#last
      .then(() => (isSha ? isShaOf(password, hash) : bcrypt().compare(password, hash)))
      .then(right => {
        if (this.#known.size >= maxKnown) this.#known.delete(this.#known.keys().next().value!);
        this.#known.set(name, right);
        return right;
      })
      .finally(() => this.#waiting--);
    this.#last = found.catch(() => undefined);
    return found;
  }
}

/** Hashes that cost nothing to speak of; undefined for all others. */
function quickly(password: string, hash: string): boolean | undefined {
  const [, magic, salt] = /^(\$(?:1|apr1)\$)([^$]*)\$/.exec(hash) ?? [];
  if (magic !== undefined) return same(md5Crypt(password, salt!, magic as '$1$' | '$apr1$'), hash);
  if (hash.startsWith('{SHA}'))
    return same(createHash('sha1').update(password).digest('base64'), hash.slice(5));
  if (hash.startsWith('{SSHA}')) {
    const bytes = Buffer.from(hash.slice(6), 'base64');
    const digest = createHash('sha1').update(password).update(bytes.subarray(20)).digest();
    return bytes.length > 20 && timingSafeEqual(digest, bytes.subarray(0, 20));
  }
  return hash.startsWith('{PLAIN}') ? same(password, hash.slice(7)) : undefined;
}

async function isShaOf(password: string, hash: string): Promise<boolean> {
  const made = await shaCrypt(password, hash);
  return made !== undefined && same(made, hash);
}

function same(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Basic authentication (RFC 7617). What it was is taken out of the request, as ingress-nginx does, unless it is to go on. */
export function basicStep(auth: BasicAuth, passwords: Passwords, from: ObjectRef | undefined): AccessStep {
  const challenge = `Basic realm="${auth.realm.replace(/["\\]/g, '\\$&')}"`;
  const users = new Map(Object.entries(auth.users));
  const refuse = (request: FilteredRequest, detail: string, status = 401): Instead => ({
    reply: localReply('UAEX', '', {
      status,
      fields: [...(status === 401 ? [['www-authenticate', challenge] as const] : []), ...request.localFields],
    }),
    flag: 'UAEX',
    detail,
    ...(from && { from }),
  });
  return request => {
    const { turn } = request;
    if (auth.why !== undefined) return refuse(request, `nobody can log in: ${auth.why}`, 503);
    const given = credentialsOf(request);
    if (given === undefined) return refuse(request, 'it brings no name and password');
    const hash = users.get(given.name);
    if (hash === undefined) return refuse(request, `there is no user ${JSON.stringify(given.name)}`);
    const decide = (right: boolean): Instead | typeof PASS => {
      if (!right) return refuse(request, `the password of ${JSON.stringify(given.name)} is wrong`);
      if (auth.forward !== true && request.turn === turn) request.head.removeAll(authorization);
      return PASS;
    };
    const right = passwords.check(given.password, hash);
    if (right === undefined) return refuse(request, 'too many passwords are being checked', 503);
    return right instanceof Promise ? right.then(decide) : decide(right);
  };
}

function credentialsOf({
  head,
}: FilteredRequest): { readonly name: string; readonly password: string } | undefined {
  const index = head.find(authorization);
  if (index < 0) return undefined;
  const [, token] = /^basic +([A-Za-z0-9+/=]+) *$/i.exec(head.text(index)) ?? [];
  if (token === undefined) return undefined;
  const text = Buffer.from(token, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { name: text.slice(0, colon), password: text.slice(colon + 1) };
}
