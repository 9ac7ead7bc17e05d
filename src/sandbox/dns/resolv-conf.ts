/** A pod's /etc/resolv.conf: dnsPolicy ClusterFirst, with the search path that lets `reviews` and `reviews.shop` be found. */
export function resolvConf(nameserver: string, namespace: string, domain = 'cluster.local'): string {
  return [
    `nameserver ${nameserver}`,
    `search ${namespace}.svc.${domain} svc.${domain} ${domain}`,
    'options ndots:5',
    '',
  ].join('\n');
}
