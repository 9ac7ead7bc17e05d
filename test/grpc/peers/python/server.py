"""gRPC's interop server, by grpcio: python server.py --port=N"""

import argparse
import signal
from concurrent import futures

import grpc
from service import ECHO_INITIAL, ECHO_TRAILING, messages, payload, services


def echo(context):
    """Sends the header that is wanted back, and keeps the trailer for the end."""
    wanted = dict(context.invocation_metadata())
    if ECHO_INITIAL in wanted:
        context.send_initial_metadata(((ECHO_INITIAL, wanted[ECHO_INITIAL]),))
    if ECHO_TRAILING in wanted:
        context.set_trailing_metadata(((ECHO_TRAILING, wanted[ECHO_TRAILING]),))


def status(context, wanted):
    context.set_code(next(code for code in grpc.StatusCode if code.value[0] == wanted.code))
    context.set_details(wanted.message)


class TestService(services.TestServiceServicer):
    def EmptyCall(self, request, context):
        return messages.Empty()

    def UnaryCall(self, request, context):
        echo(context)
        if request.response_status.code:
            status(context, request.response_status)
            return messages.SimpleResponse()
        return messages.SimpleResponse(payload=payload(request.response_size))

    def StreamingOutputCall(self, request, context):
        for wanted in request.response_parameters:
            yield messages.StreamingOutputCallResponse(payload=payload(wanted.size))

    def StreamingInputCall(self, requests, context):
        size = sum(len(each.payload.body) for each in requests)
        return messages.StreamingInputCallResponse(aggregated_payload_size=size)

    def FullDuplexCall(self, requests, context):
        echo(context)
        for request in requests:
            if request.response_status.code:
                status(context, request.response_status)
                return
            for wanted in request.response_parameters:
                yield messages.StreamingOutputCallResponse(payload=payload(wanted.size))


parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, required=True)
port = parser.parse_args().port

server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
services.add_TestServiceServicer_to_server(TestService(), server)
server.add_insecure_port(f"127.0.0.1:{port}")
server.start()
print(f"listening on {port}", flush=True)
signal.signal(signal.SIGTERM, lambda *_: server.stop(5))
server.wait_for_termination()
