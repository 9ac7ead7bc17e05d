package conformance

import (
	"testing"

	_ "k8s.io/api/core/v1"
	_ "k8s.io/client-go/kubernetes"
	"sigs.k8s.io/gateway-api/conformance"
)

func TestConformance(t *testing.T) { conformance.RunConformance(t) }
