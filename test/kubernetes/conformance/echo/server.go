package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// Flags as the suite's manifests have them: --port=8080, --grpc=7070, --tls=8443, --tcp=9090.
func serve(args []string) {
	ports := map[string][]string{}
	for _, arg := range args {
		name, value, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		ports[name] = append(ports[name], value)
	}
	encrypted := map[string]bool{}
	for _, port := range ports["tls"] {
		encrypted[port] = true
	}
	for _, port := range ports["port"] {
		go serveHTTP(port, encrypted[port])
	}
	for _, port := range ports["grpc"] {
		go serveGRPC(port)
	}
	for _, port := range ports["tcp"] {
		go serveTCP(port)
	}
	// One without ports, which is there as a client, has nothing to do; Go would take that for a deadlock.
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, os.Interrupt)
	<-ended
}

func serveHTTP(port string, encrypted bool) {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{
		Addr:              ":" + port,
		Protocols:         protocols,
		ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, said(port, r.Method, r.Proto, r.Host, r.URL.RequestURI(), r.Header))
		}),
	}
	if encrypted {
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{ownCertificate()}}
		log.Fatal(server.ListenAndServeTLS("", ""))
	}
	log.Fatal(server.ListenAndServe())
}

func said(port, method, proto, host, url string, headers map[string][]string) string {
	hostname, _ := os.Hostname()
	var out strings.Builder
	fmt.Fprintf(&out, "ServicePort=%s\nMethod=%s\nProto=%s\nHost=%s\nURL=%s\nHostname=%s\n", port, method, proto, host, url, hostname)
	for name, values := range headers {
		for _, value := range values {
			fmt.Fprintf(&out, "RequestHeader=%s:%s\n", name, value)
		}
	}
	return out.String()
}

func serveGRPC(port string) {
	listener, err := net.Listen("tcp", ":"+port)
	if err != nil {
		log.Fatal(err)
	}
	answer := func(_ any, stream grpc.ServerStream) error {
		var question []byte
		if err := stream.RecvMsg(&question); err != nil {
			return err
		}
		headers, _ := metadata.FromIncomingContext(stream.Context())
		method, _ := grpc.MethodFromServerStream(stream)
		text := []byte(said(port, "POST", "GRPC", strings.Join(headers[":authority"], ""), method, headers))
		return stream.SendMsg(&text)
	}
	server := grpc.NewServer(grpc.ForceServerCodec(plain{}), grpc.UnknownServiceHandler(answer))
	log.Fatal(server.Serve(listener))
}

func serveTCP(port string) {
	listener, err := net.Listen("tcp", ":"+port)
	if err != nil {
		log.Fatal(err)
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Fprint(connection, said(port, "", "TCP", "", "", nil))
		_ = connection.Close()
	}
}

func ownCertificate() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		DNSNames:     []string{"echo"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		log.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// plain carries bytes as they are: whoever is between does not read messages.
type plain struct{}

func (plain) Marshal(message any) ([]byte, error) { return *message.(*[]byte), nil }

func (plain) Unmarshal(data []byte, message any) error {
	*message.(*[]byte) = append([]byte(nil), data...)
	return nil
}

func (plain) Name() string { return "proto" }
