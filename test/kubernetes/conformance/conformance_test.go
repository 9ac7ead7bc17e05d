// Package conformance runs Gateway API's own suite of conformance against the cluster of KUBECONFIG. See run.sh, which calls it, and
// docs/conformance.md for what came of it.
package conformance

import (
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"testing"
	"testing/fstest"

	"sigs.k8s.io/gateway-api/conformance"
	"sigs.k8s.io/gateway-api/conformance/utils/suite"
)

// Images of the suite that no registry is asked for: CONFORMANCE_IMAGES is what the names of local ones begin with.
var images = regexp.MustCompile(`registry\.k8s\.io/(?:gateway-api|coredns)/(echo-basic|echo-advanced|coredns):\S+`)

func TestConformance(t *testing.T) {
	options := conformance.DefaultOptions(t)
	if prefix := os.Getenv("CONFORMANCE_IMAGES"); prefix != "" {
		options.ManifestFS = []fs.FS{renamed(t, prefix)}
	}
	if pool := os.Getenv("CONFORMANCE_ADDRESSES"); pool != "" {
		balancer := newBalancer(t, options.Clientset, pool)
		go balancer.run(t.Context())
	}
	options.Hook = tell
	conformance.RunConformanceWithOptions(t, options)
}

// A line for each test as soon as it is over: Go's own come with the end of all of them.
func tell(t *testing.T, test suite.ConformanceTest, _ *suite.ConformanceTestSuite) {
	word := "PASS"
	switch {
	case t.Failed():
		word = "FAIL"
	case t.Skipped():
		word = "SKIP"
	}
	fmt.Printf("\n%s  conformance: %s\n", word, test.ShortName)
}

// The suite's manifests with the names of our images.
func renamed(t *testing.T, prefix string) fs.FS {
	t.Helper()
	files := fstest.MapFS{}
	err := fs.WalkDir(conformance.Manifests, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := conformance.Manifests.ReadFile(path)
		if err == nil {
			files[path] = &fstest.MapFile{Data: images.ReplaceAll(data, []byte(prefix+"$1:conformance"))}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
