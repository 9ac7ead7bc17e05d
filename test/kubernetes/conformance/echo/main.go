// Command echo stands for the image echo-advanced of the suite's mesh tests, which no registry is asked for: a server that says over
// HTTP, HTTPS and gRPC what it was asked, and, called `client`, a client that prints what came back. The lines of both are those
// that the suite's utils/echo/parse.go reads.
package main

import (
	"os"
	"path/filepath"
)

func main() {
	if filepath.Base(os.Args[0]) == "client" {
		os.Exit(client(os.Args[1:]))
	}
	serve(os.Args[1:])
}
