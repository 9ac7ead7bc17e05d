// Command dns stands for the image coredns of the suite's UDP tests: it answers every question of DNS, and knows nothing.
package main

import (
	"log"
	"net"
)

// The bit of the header that makes a message an answer (RFC 1035, 4.1.1), in its third byte.
const isAnswer = 0x80

func main() {
	socket, err := net.ListenPacket("udp", ":53")
	if err != nil {
		log.Fatal(err)
	}
	buffer := make([]byte, 4096)
	for {
		length, peer, err := socket.ReadFrom(buffer)
		if err != nil {
			log.Fatal(err)
		}
		if length < 12 {
			continue
		}
		buffer[2] |= isAnswer
		if _, err := socket.WriteTo(buffer[:length], peer); err != nil {
			log.Print(err)
		}
	}
}
