package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// What the suite has a client do: client URL --method=GET -H name:value --count=3
type order struct {
	url     *url.URL
	method  string
	headers [][2]string
	count   int
}

func client(args []string) int {
	wanted, err := read(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ask := overHTTP(wanted)
	if wanted.url.Scheme == "grpc" {
		ask = overGRPC(wanted)
	}
	for i := range wanted.count {
		if i > 0 {
			fmt.Println()
		}
		if err := ask(i); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return 0
}

func read(args []string) (*order, error) {
	wanted := &order{method: http.MethodGet, count: 1}
	for i := 0; i < len(args); i++ {
		var err error
		name, value, _ := strings.Cut(args[i], "=")
		switch {
		case name == "--method":
			wanted.method = value
		case name == "--count":
			wanted.count, err = strconv.Atoi(value)
		case name == "-H" && i+1 < len(args):
			i++
			key, text, _ := strings.Cut(args[i], ":")
			wanted.headers = append(wanted.headers, [2]string{key, text})
		case strings.HasPrefix(name, "-"):
			err = fmt.Errorf("%s is not known", name)
		default:
			wanted.url, err = url.Parse(args[i])
		}
		if err != nil {
			return nil, err
		}
	}
	if wanted.url == nil {
		return nil, fmt.Errorf("no URL is given")
	}
	return wanted, nil
}

func overHTTP(wanted *order) func(int) error {
	caller := &http.Client{
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
	}
	return func(index int) error {
		request, err := http.NewRequest(wanted.method, wanted.url.String(), nil)
		if err != nil {
			return err
		}
		for _, header := range wanted.headers {
			if strings.EqualFold(header[0], "host") {
				request.Host = header[1]
			} else {
				request.Header.Add(header[0], header[1])
			}
		}
		response, err := caller.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return err
		}
		fmt.Printf("[%d] StatusCode=%d\n", index, response.StatusCode)
		for name, values := range response.Header {
			for _, value := range values {
				fmt.Printf("[%d] ResponseHeader=%s:%s\n", index, name, value)
			}
		}
		printBody(index, body)
		return nil
	}
}

func overGRPC(wanted *order) func(int) error {
	return func(index int) error {
		connection, err := grpc.NewClient(wanted.url.Host,
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithDefaultCallOptions(grpc.ForceCodec(plain{})))
		if err != nil {
			return err
		}
		defer connection.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		for _, header := range wanted.headers {
			ctx = metadata.AppendToOutgoingContext(ctx, header[0], header[1])
		}
		var question, answer []byte
		err = connection.Invoke(ctx, "/proto.EchoTestService/Echo", &question, &answer)
		// As a status of HTTP: the suite asks for 200 where a call went well.
		code := 200
		if status.Code(err) != codes.OK {
			code = int(status.Code(err))
		}
		fmt.Printf("[%d] StatusCode=%d\n", index, code)
		printBody(index, answer)
		return nil
	}
}

func printBody(index int, body []byte) {
	for lines := bufio.NewScanner(bytes.NewReader(body)); lines.Scan(); {
		fmt.Printf("[%d body] %s\n", index, lines.Text())
	}
}
