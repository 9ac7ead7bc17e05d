"""gRPC's interop client, by grpcio: python client.py --port=N --cases=empty_unary,…

Prints a line for each case, and ends with 1 where one failed.
"""

import argparse
import queue
import sys

import grpc
from service import ECHO_INITIAL, ECHO_TRAILING, messages, payload, services

REQUESTS = (27182, 8, 1828, 45904)
RESPONSES = (31415, 9, 2653, 58979)
LARGE = messages.SimpleRequest(response_size=314159, payload=payload(271828))

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--cases", required=True)
args = parser.parse_args()
channel = grpc.insecure_channel(f"127.0.0.1:{args.port}")
stub = services.TestServiceStub(channel)


def same(got, wanted):
    if got != wanted:
        raise AssertionError(f"{got!r} is not {wanted!r}")


def failure(call):
    """The code and words of a call that must fail."""
    try:
        call()
    except grpc.RpcError as error:
        return error.code(), error.details()
    raise AssertionError("no error")


class Sent:
    """The requests of a stream, one by one."""

    def __init__(self):
        self.queue = queue.Queue()

    def send(self, size=0, response=None, status=None):
        wanted = [] if response is None else [messages.ResponseParameters(size=response)]
        self.queue.put(
            messages.StreamingOutputCallRequest(
                response_parameters=wanted, payload=payload(size), response_status=status
            )
        )

    def end(self):
        self.queue.put(None)

    def __iter__(self):
        return iter(self.queue.get, None)


def empty_unary():
    same(stub.EmptyCall(messages.Empty()), messages.Empty())


def large_unary():
    same(len(stub.UnaryCall(LARGE).payload.body), 314159)


def client_streaming():
    requests = (messages.StreamingInputCallRequest(payload=payload(size)) for size in REQUESTS)
    same(stub.StreamingInputCall(requests).aggregated_payload_size, sum(REQUESTS))


def server_streaming():
    wanted = [messages.ResponseParameters(size=size) for size in RESPONSES]
    answers = stub.StreamingOutputCall(messages.StreamingOutputCallRequest(response_parameters=wanted))
    same(tuple(len(each.payload.body) for each in answers), RESPONSES)


def ping_pong():
    sent = Sent()
    answers = stub.FullDuplexCall(iter(sent))
    for request, response in zip(REQUESTS, RESPONSES):
        sent.send(request, response)
        same(len(next(answers).payload.body), response)
    sent.end()
    same(list(answers), [])


def empty_stream():
    same(list(stub.FullDuplexCall(iter(()))), [])


def timeout_on_sleeping_server():
    sent = Sent()
    sent.send(REQUESTS[0])
    code, _ = failure(lambda: next(stub.FullDuplexCall(iter(sent), timeout=0.001)))
    # A server of grpc-go, whose clock has run out as well, resets the stream (CANCEL). Which of the two grpcio says then depends on
    # when it last looked at its own clock, with a proxy in between or without.
    same(code in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED), True)
    sent.end()


def cancel_after_begin():
    sent = Sent()
    call = stub.StreamingInputCall.future(iter(sent))
    call.cancel()
    same(call.code(), grpc.StatusCode.CANCELLED)
    sent.end()


def cancel_after_first_response():
    sent = Sent()
    answers = stub.FullDuplexCall(iter(sent))
    sent.send(REQUESTS[0], RESPONSES[0])
    same(len(next(answers).payload.body), RESPONSES[0])
    answers.cancel()
    same(failure(lambda: next(answers))[0], grpc.StatusCode.CANCELLED)
    sent.end()


def status_code_and_message():
    wanted = messages.EchoStatus(code=2, message="test status message")
    got = failure(lambda: stub.UnaryCall(messages.SimpleRequest(response_status=wanted)))
    same(got, (grpc.StatusCode.UNKNOWN, wanted.message))
    sent = Sent()
    sent.send(status=wanted)
    sent.end()
    got = failure(lambda: list(stub.FullDuplexCall(iter(sent))))
    same(got, (grpc.StatusCode.UNKNOWN, wanted.message))


def special_status_message():
    words = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
    wanted = messages.EchoStatus(code=2, message=words)
    got = failure(lambda: stub.UnaryCall(messages.SimpleRequest(response_status=wanted)))
    same(got, (grpc.StatusCode.UNKNOWN, words))


def unimplemented_method():
    code, _ = failure(lambda: stub.UnimplementedCall(messages.Empty()))
    same(code, grpc.StatusCode.UNIMPLEMENTED)


def unimplemented_service():
    other = services.UnimplementedServiceStub(channel)
    code, _ = failure(lambda: other.UnimplementedCall(messages.Empty()))
    same(code, grpc.StatusCode.UNIMPLEMENTED)


def custom_metadata():
    metadata = ((ECHO_INITIAL, "test_initial_metadata_value"), (ECHO_TRAILING, b"\xab\xab\xab"))

    def good(call):
        same(dict(call.initial_metadata()).get(ECHO_INITIAL), "test_initial_metadata_value")
        same(dict(call.trailing_metadata()).get(ECHO_TRAILING), b"\xab\xab\xab")

    answer, call = stub.UnaryCall.with_call(LARGE, metadata=metadata)
    same(len(answer.payload.body), 314159)
    good(call)
    sent = Sent()
    sent.send(271828, 314159)
    sent.end()
    call = stub.FullDuplexCall(iter(sent), metadata=metadata)
    same([len(each.payload.body) for each in call], [314159])
    good(call)


failed = False
for name in args.cases.split(","):
    try:
        globals()[name]()
        print(f"passed {name}", flush=True)
    except Exception as error:  # whatever it is, it is this case that failed
        failed = True
        print(f"failed {name}: {type(error).__name__}: {error}", flush=True)
channel.close()
sys.exit(1 if failed else 0)
