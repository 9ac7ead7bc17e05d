package conformance

import (
	"context"
	"log"
	"net/netip"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// balancer stands for the load balancer of a cloud on a cluster that has none: it gives each Service of type LoadBalancer an address
// of a pool, or the one that the Service asks for where that is of the pool. kube-proxy takes traffic to them to the endpoints.
type balancer struct {
	client kubernetes.Interface
	pool   netip.Prefix
}

func newBalancer(t *testing.T, client kubernetes.Interface, pool string) *balancer {
	t.Helper()
	prefix, err := netip.ParsePrefix(pool)
	if err != nil {
		t.Fatal(err)
	}
	return &balancer{client: client, pool: prefix}
}

func (b *balancer) run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := b.round(ctx); err != nil && ctx.Err() == nil {
			log.Printf("load balancer: %v", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(300 * time.Millisecond):
		}
	}
}

func (b *balancer) round(ctx context.Context) error {
	list, err := b.client.CoreV1().Services("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	taken := map[string]bool{}
	for _, service := range list.Items {
		if service.Spec.Type == v1.ServiceTypeLoadBalancer && service.Spec.LoadBalancerIP != "" {
			taken[service.Spec.LoadBalancerIP] = true
		}
		for _, each := range service.Status.LoadBalancer.Ingress {
			taken[each.IP] = true
		}
	}
	for i := range list.Items {
		service := &list.Items[i]
		if service.Spec.Type != v1.ServiceTypeLoadBalancer {
			continue
		}
		wanted := b.addressOf(service, taken)
		current := ""
		if len(service.Status.LoadBalancer.Ingress) > 0 {
			current = service.Status.LoadBalancer.Ingress[0].IP
		}
		if wanted == current {
			continue
		}
		taken[wanted] = true
		service.Status.LoadBalancer.Ingress = nil
		if wanted != "" {
			service.Status.LoadBalancer.Ingress = []v1.LoadBalancerIngress{{IP: wanted}}
		}
		_, err := b.client.CoreV1().Services(service.Namespace).UpdateStatus(ctx, service, metav1.UpdateOptions{})
		if err != nil {
			return err
		}
	}
	return nil
}

// What the Service has stays; ” where it asks for an address that nobody here can give.
func (b *balancer) addressOf(service *v1.Service, taken map[string]bool) string {
	if asked := service.Spec.LoadBalancerIP; asked != "" {
		if address, err := netip.ParseAddr(asked); err == nil && b.pool.Contains(address) {
			return asked
		}
		return ""
	}
	if given := service.Status.LoadBalancer.Ingress; len(given) > 0 {
		return given[0].IP
	}
	// The first ten are for Services that ask for one.
	address := b.pool.Addr()
	for range 10 {
		address = address.Next()
	}
	for ; b.pool.Contains(address); address = address.Next() {
		if !taken[address.String()] {
			return address.String()
		}
	}
	return ""
}
