"""gRPC's interop service for grpcio, from testing.proto beside the peers."""

import os
import sys

import grpc

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, FOLDER)
messages, services = grpc.protos_and_services("testing.proto")

ECHO_INITIAL = "x-grpc-test-echo-initial"
ECHO_TRAILING = "x-grpc-test-echo-trailing-bin"


def payload(size):
    return messages.Payload(body=bytes(size))
