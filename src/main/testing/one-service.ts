/** YAML of the Service `app`, 10.96.0.9:80, whose one endpoint is this port of this machine. */
export const oneService = (port: number): string => `
apiVersion: v1
kind: Service
metadata: { name: app, namespace: default }
spec: { clusterIP: 10.96.0.9, ports: [{ name: http, port: 80, targetPort: ${port} }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: app-1, namespace: default, labels: { kubernetes.io/service-name: app } }
addressType: IPv4
ports: [{ name: http, port: ${port} }]
endpoints: [{ addresses: [127.0.0.1], conditions: { ready: true } }]
`;
