// The file of --issuer: who signs instead of the control plane's own key. YAML, so that it may be a ConfigMap.
import { parse } from 'yaml';
import { errorMessage, WeftError } from '../errors/index.ts';

/** Where Vault's PKI is and how to log in. */
export interface VaultSettings {
  readonly kind: 'vault';
  /** `https://vault.example:8200` */
  readonly address: string;
  /** Where the PKI is mounted; `pki` unless told. */
  readonly mount: string;
  readonly role: string;
  /** PEM of who vouches for Vault's own certificate; the system's roots without it. */
  readonly caFile?: string;
  readonly auth:
    | { readonly kind: 'token'; readonly tokenFile: string }
    | {
        readonly kind: 'kubernetes';
        readonly mount: string;
        readonly role: string;
        readonly tokenFile: string;
      };
}

/** Which issuer of cert-manager. */
export interface CertManagerSettings {
  readonly kind: 'certManager';
  readonly issuer: { readonly name: string; readonly kind: string; readonly group: string };
  readonly rootsFile?: string;
}

/** `trustAlso`: a PEM file of roots that are trusted beside the issuer's, followed; for the way from one issuer to another. */
export type IssuerSettings = (VaultSettings | CertManagerSettings) & { readonly trustAlso?: string };

const ownToken = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** Reads the text of the file; `file` is for words. Error: issuer-settings, with the path of the field. */
export function parseIssuerSettings(text: string, file: string): IssuerSettings | WeftError {
  let said: unknown;
  try {
    said = parse(text);
  } catch (thrown) {
    return bad(file, `it is no YAML (${errorMessage(thrown).split('\n')[0]})`);
  }
  try {
    const all = new Fields(said, '');
    all.only('vault', 'certManager', 'trustAlso');
    if (all.has('vault') === all.has('certManager'))
      return bad(file, 'it must have one of the fields vault and certManager');
    const settings = all.has('vault') ? vaultOf(all.at('vault')) : certManagerOf(all.at('certManager'));
    return { ...settings, ...(all.has('trustAlso') && { trustAlso: all.text('trustAlso') }) };
  } catch (thrown) {
    return bad(file, errorMessage(thrown));
  }
}

function vaultOf(fields: Fields): VaultSettings {
  fields.only('address', 'mount', 'role', 'caFile', 'tokenFile', 'kubernetes');
  const address = fields.text('address');
  if (!URL.canParse(address) || !/^https?:/.test(address))
    throw new Error(`vault.address '${address}' is no URL of http or https`);
  if (fields.has('tokenFile') === fields.has('kubernetes'))
    throw new Error('vault needs one of tokenFile and kubernetes, to log in with');
  const { mount, role } = { mount: fields.text('mount', 'pki'), role: fields.text('role') };
  const ca = fields.has('caFile') ? { caFile: fields.text('caFile') } : {};
  return { kind: 'vault', address, mount, role, ...ca, auth: authOf(fields) };
}

function authOf(fields: Fields): VaultSettings['auth'] {
  if (fields.has('tokenFile')) return { kind: 'token', tokenFile: fields.text('tokenFile') };
  const login = fields.at('kubernetes');
  login.only('mount', 'role', 'tokenFile');
  return {
    kind: 'kubernetes',
    mount: login.text('mount', 'kubernetes'),
    role: login.text('role'),
    tokenFile: login.text('tokenFile', ownToken),
  };
}

function certManagerOf(fields: Fields): CertManagerSettings {
  fields.only('issuer', 'kind', 'group', 'rootsFile');
  const issuer = {
    name: fields.text('issuer'),
    kind: fields.text('kind', 'ClusterIssuer'),
    group: fields.text('group', 'cert-manager.io'),
  };
  return {
    kind: 'certManager',
    issuer,
    ...(fields.has('rootsFile') && { rootsFile: fields.text('rootsFile') }),
  };
}

/** Fields by name, with errors that name the path. */
class Fields {
  readonly #said: Readonly<Record<string, unknown>>;
  readonly #path: string;

  constructor(said: unknown, path: string) {
    if (typeof said !== 'object' || said === null || Array.isArray(said))
      throw new Error(`${path || 'it'} is no map of fields`);
    this.#said = said as Record<string, unknown>;
    this.#path = path;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#said, name);
  }

  at(name: string): Fields {
    return new Fields(this.#said[name], this.#where(name));
  }

  text(name: string, otherwise?: string): string {
    const value = this.has(name) ? this.#said[name] : otherwise;
    if (typeof value === 'string' && value !== '') return value;
    throw new Error(`${this.#where(name)} is ${this.has(name) ? 'no text' : 'missing'}`);
  }

  only(...known: readonly string[]): void {
    const other = Object.keys(this.#said).find(name => !known.includes(name));
    if (other !== undefined)
      throw new Error(`${this.#where(other)} is not known; there are ${known.join(', ')}`);
  }

  #where(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }
}

function bad(file: string, why: string): WeftError {
  const words = `the issuer of ${file} cannot be used: ${why}; docs/certificates.md has an example`;
  return new WeftError('issuer-settings', words, { source: 'config' });
}
