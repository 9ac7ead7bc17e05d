// The authority of a cluster's users: client certificates as kubeadm and cloud providers make them.
import forge from 'node-forge';

const { pki } = forge;

/** Signs certificates of users with a root of its own. */
export class UserAuthority {
  readonly #keys = pki.rsa.generateKeyPair(2048);
  readonly #root = this.#certificate('test users', [], this.#keys.publicKey, 'test users', [
    { name: 'basicConstraints', cA: true },
    { name: 'keyUsage', keyCertSign: true },
  ]);

  /** PEM of the root. */
  get pem(): string {
    return pki.certificateToPem(this.#root);
  }

  /** PEM of a certificate and its key. */
  issue(name: string, groups: readonly string[]): { readonly cert: string; readonly key: string } {
    const { publicKey, privateKey } = pki.rsa.generateKeyPair(2048);
    const certificate = this.#certificate(name, groups, publicKey, 'test users', [
      { name: 'keyUsage', digitalSignature: true },
      { name: 'extKeyUsage', clientAuth: true },
    ]);
    return { cert: pki.certificateToPem(certificate), key: pki.privateKeyToPem(privateKey) };
  }

  #certificate(
    name: string,
    groups: readonly string[],
    publicKey: forge.pki.PublicKey,
    issuer: string,
    extensions: object[],
  ): forge.pki.Certificate {
    const certificate = pki.createCertificate();
    certificate.publicKey = publicKey;
    certificate.serialNumber = `01${Date.now().toString(16).padStart(14, '0')}${Math.floor(
      Math.random() * 255,
    )
      .toString(16)
      .padStart(2, '0')}`;
    certificate.validity.notBefore = new Date(Date.now() - 60_000);
    certificate.validity.notAfter = new Date(Date.now() + 3_600_000);
    // An @ is no character of a PrintableString, which forge makes of itself and Go refuses.
    const valueTagClass = forge.asn1.Type.UTF8 as unknown as forge.asn1.Class;
    const groupFields = groups.map(value => ({ name: 'organizationName', value, valueTagClass }));
    certificate.setSubject([...groupFields, { name: 'commonName', value: name, valueTagClass }]);
    certificate.setIssuer([{ name: 'commonName', value: issuer, valueTagClass }]);
    certificate.setExtensions(extensions);
    certificate.sign(this.#keys.privateKey, forge.md.sha256.create());
    return certificate;
  }
}
