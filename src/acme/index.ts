// acme: certificates from ACME servers (RFC 8555). In: wishes, which follow from gateways and CertificateIssuers; a store of
// Secrets. Out: Secrets with certificates, kept fresh, and while a server looks, Secrets with challenges that gateways show.
// Loaded where certificates are asked for: by the control plane that leads, or by a gateway without one.
export {
  type CertificateNews,
  CertificateOrders,
  type CertificateOrdersOptions,
} from './certificate-orders.ts';
export type { SecretStore, StoredSecret } from './secret-store.interface.ts';
export type { CertificateWish } from './standing.ts';
export { wishesOf } from './wishes.ts';
