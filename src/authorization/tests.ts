// Tests of the model, compiled: each reads what it asks for from the subject, on bytes and integers.
import type { Head } from '../http/index.ts';
import type { AuthorizationTest, ValueMatch } from '../model/index.ts';
import { AddressBlock, type AddressWords, addressWords } from './address-block.ts';
import { AddressTable } from './address-table.ts';
import type { Subject } from './subject.ts';
import { ByteValues, HostValues, TextValues } from './values.ts';

/** One test, ready to be asked. */
export interface CompiledTest {
  holds(subject: Subject): boolean;
}

/** What is known when a test is compiled. */
export interface TestSite {
  /** Where the workload was called. */
  readonly address: string;
  readonly port: number;
  /**
   * Whether a match lets somebody pass. Where the same header comes several times a rule must not be satisfied by one of them
   * alone, and where a match keeps somebody out one is enough (CVE-2026-26308).
   */
  readonly permits: boolean;
}

/**
 * Compiles a test; `true` or `false` where it is settled already. Throws for what cannot be compiled, or for what this version
 * does not know.
 */
export function compileTest(test: AuthorizationTest, site: TestSite): CompiledTest | boolean {
  const { of, name, values, not = false } = test;
  switch (of) {
    case 'destination-port':
      return new TextValues(values).has(String(site.port)) !== not;
    case 'destination-address':
      return blocksHave(blocksOf(values), addressWords(site.address)) !== not;
    case 'principal':
      return new TextTest(values, not, ({ caller }) => caller.principal);
    case 'namespace':
      return new TextTest(values, not, ({ name: peer }) => peer.namespace);
    case 'service-account':
      return new TextTest(values, not, ({ name: peer }) => peer.serviceAccount);
    case 'trust-domain':
      return new TextTest(values, not, ({ name: peer }) => peer.trustDomain);
    case 'server-name':
      return new TextTest(lowered(values), not, ({ caller }) => caller.serverName.toLowerCase());
    case 'source-address':
      return new AddressTest(values, not, ({ address }) => address);
    case 'remote-address':
      return new AddressTest(values, not, remoteAddress);
    case 'request-principal':
      return new TextTest(values, not, ({ token }) => token?.principal ?? '');
    case 'token-provider':
      return new TextTest(values, not, ({ token }) => token?.provider ?? '');
    case 'presenter':
      return new TextTest(values, not, ({ token }) => token?.presenter ?? '');
    case 'audience':
      return new ListTest(values, not, ({ token }) => token?.audiences ?? none);
    case 'claim': {
      const path = typeof name === 'string' ? [name] : (name ?? []);
      return new ListTest(values, not, ({ token }) => token?.values(path) ?? none);
    }
    case 'host':
      return new HostTest(values, not);
    case 'method':
      return new MethodTest(values, not);
    case 'path':
      return new PathTest(values, not);
    case 'header':
      return headerTest(String(name), values, not, site.permits);
    default:
      throw new Error(`this proxy knows no '${String(of)}'`);
  }
}

const none: readonly string[] = [];

function lowered(values: readonly ValueMatch[]): readonly ValueMatch[] {
  return values.map(each => ({ ...each, value: each.value.toLowerCase() }));
}

class TextTest implements CompiledTest {
  readonly #values: TextValues;
  readonly #not: boolean;
  readonly #of: (subject: Subject) => string;

  constructor(values: readonly ValueMatch[], not: boolean, of: (subject: Subject) => string) {
    this.#values = new TextValues(values);
    this.#not = not;
    this.#of = of;
  }

  holds(subject: Subject): boolean {
    return this.#values.has(this.#of(subject)) !== this.#not;
  }
}

/** Holds where one of several texts has a value. */
class ListTest implements CompiledTest {
  readonly #values: TextValues;
  readonly #not: boolean;
  readonly #of: (subject: Subject) => readonly string[];

  constructor(values: readonly ValueMatch[], not: boolean, of: (subject: Subject) => readonly string[]) {
    this.#values = new TextValues(values);
    this.#not = not;
    this.#of = of;
  }

  holds(subject: Subject): boolean {
    const texts = this.#of(subject);
    for (let i = 0; i < texts.length; i++) if (this.#values.has(texts[i]!)) return !this.#not;
    return this.#not;
  }
}

/** Up to so many ranges are asked one by one. */
const fewBlocks = 4;

class AddressTest implements CompiledTest {
  readonly #blocks: readonly AddressBlock[];
  readonly #table: AddressTable | undefined;
  readonly #not: boolean;
  readonly #of: (subject: Subject) => AddressWords | undefined;

  constructor(
    values: readonly ValueMatch[],
    not: boolean,
    of: (subject: Subject) => AddressWords | undefined,
  ) {
    this.#blocks = blocksOf(values);
    this.#table = this.#blocks.length > fewBlocks ? new AddressTable() : undefined;
    this.#blocks.forEach((block, index) => void this.#table?.add(block, index));
    this.#not = not;
    this.#of = of;
  }

  holds(subject: Subject): boolean {
    const address = this.#of(subject);
    if (this.#table === undefined || address === undefined)
      return blocksHave(this.#blocks, address) !== this.#not;
    return this.#table.has(address, this.#blocks) !== this.#not;
  }
}

function blocksOf(values: readonly ValueMatch[]): readonly AddressBlock[] {
  return values.map(({ value }) => {
    const block = AddressBlock.of(value);
    if (block === undefined) throw new Error(`'${value}' is no range of addresses`);
    return block;
  });
}

function blocksHave(blocks: readonly AddressBlock[], address: AddressWords | undefined): boolean {
  if (address === undefined) return false;
  for (let i = 0; i < blocks.length; i++) if (blocks[i]!.has(address)) return true;
  return false;
}

const forwardedFor = Buffer.from('x-forwarded-for', 'latin1');
const COMMA = 0x2c;

/**
 * The last address of the last X-Forwarded-For, which the proxy before us has written; of the connection where there is none, or
 * what stands there is no address. An edge believes nobody of whom it was not told.
 */
export function remoteAddress({ address, request, head, caller }: Subject): AddressWords | undefined {
  let told: AddressWords | undefined;
  if (request !== undefined && caller.clientAddressOf !== undefined)
    told = addressWords(caller.clientAddressOf(head));
  else if (request !== undefined)
    head.eachValue(forwardedFor, (bytes, start, end) => {
      let from = end;
      while (from > start && bytes[from - 1] !== COMMA) from--;
      told = addressWords(bytes.toString('latin1', from, end).trim());
      return true;
    });
  return told ?? address;
}

class HostTest implements CompiledTest {
  readonly #values: HostValues;
  readonly #not: boolean;

  constructor(values: readonly ValueMatch[], not: boolean) {
    this.#values = new HostValues(values);
    this.#not = not;
  }

  holds({ head, parts }: Subject): boolean {
    return this.#values.has(head.bytes, parts.authorityStart, parts.authorityEnd) !== this.#not;
  }
}

class MethodTest implements CompiledTest {
  readonly #values: ByteValues;
  readonly #not: boolean;

  constructor(values: readonly ValueMatch[], not: boolean) {
    this.#values = new ByteValues(values);
    this.#not = not;
  }

  holds({ head }: Subject): boolean {
    return this.#values.has(head.bytes, head.methodStart, head.methodEnd) !== this.#not;
  }
}

class PathTest implements CompiledTest {
  readonly #values: ByteValues;
  readonly #not: boolean;

  constructor(values: readonly ValueMatch[], not: boolean) {
    this.#values = new ByteValues(values);
    this.#not = not;
  }

  holds({ parts }: Subject): boolean {
    return this.#values.has(parts.pathBytes, parts.pathStart, parts.pathEnd) !== this.#not;
  }
}

function headerTest(
  name: string,
  values: readonly ValueMatch[],
  not: boolean,
  permits: boolean,
): CompiledTest {
  // Its presence is what counts, as in Istio: an empty header is there.
  const compiled = values.some(({ kind }) => kind === 'present') ? undefined : new ByteValues(values);
  switch (name) {
    case ':authority':
      return new PseudoHeaderTest(compiled, not, head =>
        head.host < 0 ? undefined : [head.valueStart(head.host), head.valueEnd(head.host)],
      );
    case ':method':
      return new PseudoHeaderTest(compiled, not, ({ methodStart, methodEnd }) => [methodStart, methodEnd]);
    case ':path':
      return new PseudoHeaderTest(compiled, not, ({ targetStart, targetEnd }) => [targetStart, targetEnd]);
    default:
      return new HeaderTest(name, compiled, not, permits);
  }
}

/** What the first line says, under the names of HTTP/2. */
class PseudoHeaderTest implements CompiledTest {
  readonly #values: ByteValues | undefined;
  readonly #not: boolean;
  readonly #range: (head: Head) => readonly [number, number] | undefined;

  constructor(
    values: ByteValues | undefined,
    not: boolean,
    range: (head: Head) => readonly [number, number] | undefined,
  ) {
    this.#values = values;
    this.#not = not;
    this.#range = range;
  }

  holds({ head }: Subject): boolean {
    const range = this.#range(head);
    if (range === undefined) return this.#not;
    return (this.#values === undefined || this.#values.has(head.bytes, range[0], range[1])) !== this.#not;
  }
}

/** Only proxies say it, and what a client says of itself is taken out later. */
const ASSERTED = 'x-forwarded-client-cert';

class HeaderTest implements CompiledTest {
  readonly #name: Buffer;
  readonly #not: boolean;
  /** Whether one value that does not match is enough for the answer no. */
  readonly #all: boolean;
  #found = 0;
  #matched = 0;
  readonly #visit: (bytes: Buffer, start: number, end: number) => boolean;

  /** `values`: undefined for whatever it is. */
  constructor(name: string, values: ByteValues | undefined, not: boolean, permits: boolean) {
    this.#name = Buffer.from(name, 'latin1');
    this.#not = not;
    this.#all = permits !== not;
    this.#visit = (bytes, start, end) => {
      this.#found++;
      if (values === undefined || values.has(bytes, start, end)) this.#matched++;
      return true;
    };
  }

  holds({ head }: Subject): boolean {
    if (this.#name.length === ASSERTED.length && this.#name.equals(asserted)) return this.#not;
    this.#found = 0;
    this.#matched = 0;
    head.eachValue(this.#name, this.#visit);
    const matches = this.#found > 0 && (this.#all ? this.#matched === this.#found : this.#matched > 0);
    return matches !== this.#not;
  }
}

const asserted = Buffer.from(ASSERTED, 'latin1');
