// gRPC's interop client and server, by grpc-java on Netty: java -cp JARS/* Peer.java server PORT | client PORT CASES
// Messages are read and written by hand, so that nothing has to be generated.

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import io.grpc.CallOptions;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

public class Peer {
  /** The fields of all messages of testing.proto that have any; 0 and null are left out. */
  record Message(int responseSize, List<Integer> sizes, byte[] body, int code, String words) {
    static final Message EMPTY = new Message(0, List.of(), null, 0, "");

    static Message request(int body, Integer... sizes) {
      return new Message(0, List.of(sizes), new byte[body], 0, "");
    }

    static Message status(int code, String words) {
      return new Message(0, List.of(), null, code, words);
    }

    int bodyLength() {
      return body == null ? 0 : body.length;
    }
  }

  /** Where a message has its fields. */
  enum Shape {
    EMPTY(0, 0, 0, 0),
    UNARY_REQUEST(2, 0, 3, 7),
    STREAM_REQUEST(0, 2, 3, 7),
    /** SimpleResponse, StreamingOutputCallResponse, StreamingInputCallRequest. */
    PAYLOAD(0, 0, 1, 0),
    /** StreamingInputCallResponse: the sum is its response size. */
    SUM(1, 0, 0, 0);

    final int size;
    final int parameters;
    final int payload;
    final int status;

    Shape(int size, int parameters, int payload, int status) {
      this.size = size;
      this.parameters = parameters;
      this.payload = payload;
      this.status = status;
    }
  }

  record Marshaller(Shape shape) implements MethodDescriptor.Marshaller<Message> {
    @Override
    public InputStream stream(Message message) {
      try {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        if (shape.size > 0) out.writeInt32(shape.size, message.responseSize);
        for (int size : message.sizes) out.writeByteArray(shape.parameters, nested(1, size));
        if (message.body != null) out.writeByteArray(shape.payload, nested(2, message.body));
        if (message.code != 0) {
          ByteArrayOutputStream status = new ByteArrayOutputStream();
          CodedOutputStream inner = CodedOutputStream.newInstance(status);
          inner.writeInt32(1, message.code);
          inner.writeString(2, message.words);
          inner.flush();
          out.writeByteArray(shape.status, status.toByteArray());
        }
        out.flush();
        return new ByteArrayInputStream(bytes.toByteArray());
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    }

    private static byte[] nested(int field, Object value) throws IOException {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      CodedOutputStream out = CodedOutputStream.newInstance(bytes);
      if (value instanceof byte[] body) out.writeByteArray(field, body);
      else out.writeInt32(field, (Integer) value);
      out.flush();
      return bytes.toByteArray();
    }

    @Override
    public Message parse(InputStream stream) {
      try {
        CodedInputStream in = CodedInputStream.newInstance(stream);
        int size = 0;
        List<Integer> sizes = new ArrayList<>();
        byte[] body = null;
        int code = 0;
        String words = "";
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
          int field = tag >>> 3;
          if (field == shape.size && (tag & 7) == 0) size = in.readInt32();
          else if (field == shape.parameters) sizes.add((Integer) inner(in.readByteArray(), 1));
          else if (field == shape.payload) body = (byte[]) inner(in.readByteArray(), 2);
          else if (field == shape.status) {
            byte[] status = in.readByteArray();
            code = (Integer) inner(status, 1);
            words = inner(status, 2) instanceof byte[] text ? new String(text, "UTF-8") : "";
          } else in.skipField(tag);
        }
        return new Message(size, sizes, body, code, words);
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    }

    /** One field of a nested message: bytes, a number, or 0 where it is not there and is a number. */
    private static Object inner(byte[] bytes, int wanted) throws IOException {
      CodedInputStream in = CodedInputStream.newInstance(bytes);
      for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
        if (tag >>> 3 != wanted) in.skipField(tag);
        else return (tag & 7) == 0 ? (Object) in.readInt32() : in.readByteArray();
      }
      return wanted == 1 ? (Object) 0 : new byte[0];
    }
  }

  static MethodDescriptor<Message, Message> method(String path, MethodType type, Shape request, Shape response) {
    return MethodDescriptor.<Message, Message>newBuilder()
        .setType(type)
        .setFullMethodName(path)
        .setRequestMarshaller(new Marshaller(request))
        .setResponseMarshaller(new Marshaller(response))
        .build();
  }

  static final String SERVICE = "grpc.testing.TestService";
  static final MethodDescriptor<Message, Message> EMPTY_CALL =
      method(SERVICE + "/EmptyCall", MethodType.UNARY, Shape.EMPTY, Shape.EMPTY);
  static final MethodDescriptor<Message, Message> UNARY_CALL =
      method(SERVICE + "/UnaryCall", MethodType.UNARY, Shape.UNARY_REQUEST, Shape.PAYLOAD);
  static final MethodDescriptor<Message, Message> OUTPUT_CALL =
      method(SERVICE + "/StreamingOutputCall", MethodType.SERVER_STREAMING, Shape.STREAM_REQUEST, Shape.PAYLOAD);
  static final MethodDescriptor<Message, Message> INPUT_CALL =
      method(SERVICE + "/StreamingInputCall", MethodType.CLIENT_STREAMING, Shape.PAYLOAD, Shape.SUM);
  static final MethodDescriptor<Message, Message> DUPLEX_CALL =
      method(SERVICE + "/FullDuplexCall", MethodType.BIDI_STREAMING, Shape.STREAM_REQUEST, Shape.PAYLOAD);

  static final Metadata.Key<String> INITIAL =
      Metadata.Key.of("x-grpc-test-echo-initial", Metadata.ASCII_STRING_MARSHALLER);
  static final Metadata.Key<byte[]> TRAILING =
      Metadata.Key.of("x-grpc-test-echo-trailing-bin", Metadata.BINARY_BYTE_MARSHALLER);

  public static void main(String[] args) throws Exception {
    if (args[0].equals("server")) serve(Integer.parseInt(args[1]));
    else System.exit(call(Integer.parseInt(args[1]), args[2].split(",")) ? 0 : 1);
  }

  // Server.

  static void serve(int port) throws Exception {
    ServerServiceDefinition service =
        ServerServiceDefinition.builder(SERVICE)
            .addMethod(EMPTY_CALL, ServerCalls.asyncUnaryCall((request, answer) -> one(answer, Message.EMPTY)))
            .addMethod(UNARY_CALL, ServerCalls.asyncUnaryCall(Peer::unary))
            .addMethod(
                OUTPUT_CALL,
                ServerCalls.asyncServerStreamingCall(
                    (request, answer) -> {
                      for (int size : request.sizes) answer.onNext(Message.request(size));
                      answer.onCompleted();
                    }))
            .addMethod(INPUT_CALL, ServerCalls.asyncClientStreamingCall(Peer::sum))
            .addMethod(DUPLEX_CALL, ServerCalls.asyncBidiStreamingCall(Peer::duplex))
            .build();
    NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", port))
        .addService(ServerInterceptors.intercept(service, new Echo()))
        .build()
        .start()
        .awaitTermination();
  }

  static void one(StreamObserver<Message> answer, Message message) {
    answer.onNext(message);
    answer.onCompleted();
  }

  static StatusRuntimeException wanted(Message request) {
    return Status.fromCodeValue(request.code).withDescription(request.words).asRuntimeException();
  }

  static void unary(Message request, StreamObserver<Message> answer) {
    if (request.code != 0) answer.onError(wanted(request));
    else one(answer, Message.request(request.responseSize));
  }

  static StreamObserver<Message> sum(StreamObserver<Message> answer) {
    return new Requests() {
      int sum = 0;

      @Override
      public void onNext(Message request) {
        sum += request.bodyLength();
      }

      @Override
      public void onCompleted() {
        one(answer, new Message(sum, List.of(), null, 0, ""));
      }
    };
  }

  static StreamObserver<Message> duplex(StreamObserver<Message> answer) {
    return new Requests() {
      boolean failed = false;

      @Override
      public void onNext(Message request) {
        failed |= request.code != 0;
        if (failed) answer.onError(wanted(request));
        else for (int size : request.sizes) answer.onNext(Message.request(size));
      }

      @Override
      public void onCompleted() {
        if (!failed) answer.onCompleted();
      }
    };
  }

  /** Requests of a client that may give up. */
  abstract static class Requests implements StreamObserver<Message> {
    @Override
    public void onError(Throwable given) {}
  }

  /** Gives one header back as a header and one as a trailer. */
  static class Echo implements ServerInterceptor {
    @Override
    public <A, B> ServerCall.Listener<A> interceptCall(
        ServerCall<A, B> call, Metadata given, ServerCallHandler<A, B> next) {
      ServerCall<A, B> echoing =
          new SimpleForwardingServerCall<>(call) {
            @Override
            public void sendHeaders(Metadata headers) {
              if (given.containsKey(INITIAL)) headers.put(INITIAL, given.get(INITIAL));
              super.sendHeaders(headers);
            }

            @Override
            public void close(Status status, Metadata trailers) {
              if (given.containsKey(TRAILING)) trailers.put(TRAILING, given.get(TRAILING));
              super.close(status, trailers);
            }
          };
      return Contexts.interceptCall(Context.current(), echoing, given, next);
    }
  }

  // Client.

  static final int[] REQUESTS = {27182, 8, 1828, 45904};
  static final Integer[] RESPONSES = {31415, 9, 2653, 58979};
  static final int LARGE_REQUEST = 271828;
  static final int LARGE_RESPONSE = 314159;
  static final Message LARGE = new Message(LARGE_RESPONSE, List.of(), new byte[LARGE_REQUEST], 0, "");

  /** Answers as they come: messages, then a status. */
  static class Answers implements StreamObserver<Message> {
    final LinkedBlockingQueue<Object> heard = new LinkedBlockingQueue<>();

    @Override
    public void onNext(Message message) {
      heard.add(message);
    }

    @Override
    public void onError(Throwable error) {
      heard.add(Status.fromThrowable(error));
    }

    @Override
    public void onCompleted() {
      heard.add(Status.OK);
    }

    Object next() throws InterruptedException {
      Object next = heard.poll(20, TimeUnit.SECONDS);
      if (next == null) throw new AssertionError("nothing came in 20 s");
      return next;
    }

    void size(int wanted) throws InterruptedException {
      if (next() instanceof Message message) same(message.bodyLength(), wanted);
      else throw new AssertionError("no message");
    }

    void status(Status.Code wanted) throws InterruptedException {
      same(((Status) next()).getCode(), wanted);
    }
  }

  static void same(Object got, Object wanted) {
    if (!got.equals(wanted)) throw new AssertionError(got + " is not " + wanted);
  }

  static Status failure(Callable<Message> call) throws Exception {
    try {
      call.call();
    } catch (StatusRuntimeException error) {
      return error.getStatus();
    }
    throw new AssertionError("no error");
  }

  static boolean call(int port, String[] cases) throws Exception {
    ManagedChannel channel = NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().build();
    boolean good = true;
    for (String name : cases) {
      try {
        run(channel, name);
        System.out.println("passed " + name);
      } catch (Throwable error) {
        good = false;
        System.out.println("failed " + name + ": " + error);
      }
    }
    channel.shutdownNow();
    return good;
  }

  static Message unary(ManagedChannel channel, MethodDescriptor<Message, Message> method, Message request) {
    return ClientCalls.blockingUnaryCall(channel, method, CallOptions.DEFAULT, request);
  }

  static StreamObserver<Message> duplex(ManagedChannel channel, CallOptions options, Answers answers) {
    return ClientCalls.asyncBidiStreamingCall(channel.newCall(DUPLEX_CALL, options), answers);
  }

  static void run(ManagedChannel channel, String name) throws Exception {
    Answers answers = new Answers();
    CallOptions plain = CallOptions.DEFAULT;
    switch (name) {
      case "empty_unary" -> same(unary(channel, EMPTY_CALL, Message.EMPTY), Message.EMPTY);
      case "large_unary" -> same(unary(channel, UNARY_CALL, LARGE).bodyLength(), LARGE_RESPONSE);
      case "client_streaming" -> {
        StreamObserver<Message> sent = ClientCalls.asyncClientStreamingCall(channel.newCall(INPUT_CALL, plain), answers);
        for (int size : REQUESTS) sent.onNext(Message.request(size));
        sent.onCompleted();
        same(((Message) answers.next()).responseSize, Arrays.stream(REQUESTS).sum());
        answers.status(Status.Code.OK);
      }
      case "server_streaming" -> {
        ClientCalls.asyncServerStreamingCall(
            channel.newCall(OUTPUT_CALL, plain), new Message(0, List.of(RESPONSES), null, 0, ""), answers);
        for (int size : RESPONSES) answers.size(size);
        answers.status(Status.Code.OK);
      }
      case "ping_pong" -> {
        StreamObserver<Message> sent = duplex(channel, plain, answers);
        for (int i = 0; i < REQUESTS.length; i++) {
          sent.onNext(Message.request(REQUESTS[i], RESPONSES[i]));
          answers.size(RESPONSES[i]);
        }
        sent.onCompleted();
        answers.status(Status.Code.OK);
      }
      case "empty_stream" -> {
        duplex(channel, plain, answers).onCompleted();
        answers.status(Status.Code.OK);
      }
      case "timeout_on_sleeping_server" -> {
        duplex(channel, plain.withDeadlineAfter(1, TimeUnit.MILLISECONDS), answers).onNext(Message.request(REQUESTS[0]));
        answers.status(Status.Code.DEADLINE_EXCEEDED);
      }
      case "cancel_after_begin" -> {
        cancel(ClientCalls.asyncClientStreamingCall(channel.newCall(INPUT_CALL, plain), answers));
        answers.status(Status.Code.CANCELLED);
      }
      case "cancel_after_first_response" -> {
        StreamObserver<Message> sent = duplex(channel, plain, answers);
        sent.onNext(Message.request(REQUESTS[0], RESPONSES[0]));
        answers.size(RESPONSES[0]);
        cancel(sent);
        answers.status(Status.Code.CANCELLED);
      }
      case "status_code_and_message" -> {
        echoedStatus(channel, "test status message");
        duplex(channel, plain, answers).onNext(Message.status(2, "test status message"));
        Status status = (Status) answers.next();
        same(status.getCode(), Status.Code.UNKNOWN);
        same(status.getDescription(), "test status message");
      }
      case "special_status_message" ->
          echoedStatus(channel, "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \uD83D\uDE08\t\n");
      case "unimplemented_method" -> unimplemented(channel, SERVICE);
      case "unimplemented_service" -> unimplemented(channel, "grpc.testing.UnimplementedService");
      case "custom_metadata" -> customMetadata(channel);
      default -> throw new AssertionError("no such case");
    }
  }

  static void cancel(StreamObserver<Message> sent) {
    ((ClientCallStreamObserver<Message>) sent).cancel("the case wants it", null);
  }

  static void echoedStatus(ManagedChannel channel, String words) throws Exception {
    Status status = failure(() -> unary(channel, UNARY_CALL, Message.status(2, words)));
    same(status.getCode(), Status.Code.UNKNOWN);
    same(status.getDescription(), words);
  }

  static void unimplemented(ManagedChannel channel, String service) throws Exception {
    var method = method(service + "/UnimplementedCall", MethodType.UNARY, Shape.EMPTY, Shape.EMPTY);
    same(failure(() -> unary(channel, method, Message.EMPTY)).getCode(), Status.Code.UNIMPLEMENTED);
  }

  static void customMetadata(ManagedChannel channel) throws Exception {
    byte[] bytes = {(byte) 0xab, (byte) 0xab, (byte) 0xab};
    Metadata sent = new Metadata();
    sent.put(INITIAL, "test_initial_metadata_value");
    sent.put(TRAILING, bytes);
    for (boolean streamed : new boolean[] {false, true}) {
      AtomicReference<Metadata> headers = new AtomicReference<>();
      AtomicReference<Metadata> trailers = new AtomicReference<>();
      var through =
          io.grpc.ClientInterceptors.intercept(
              channel,
              MetadataUtils.newAttachHeadersInterceptor(sent),
              MetadataUtils.newCaptureMetadataInterceptor(headers, trailers));
      if (!streamed) {
        Message answer = ClientCalls.blockingUnaryCall(through, UNARY_CALL, CallOptions.DEFAULT, LARGE);
        same(answer.bodyLength(), LARGE_RESPONSE);
      } else {
        Answers answers = new Answers();
        StreamObserver<Message> requests =
            ClientCalls.asyncBidiStreamingCall(through.newCall(DUPLEX_CALL, CallOptions.DEFAULT), answers);
        requests.onNext(Message.request(LARGE_REQUEST, LARGE_RESPONSE));
        requests.onCompleted();
        answers.size(LARGE_RESPONSE);
        answers.status(Status.Code.OK);
      }
      same(headers.get().get(INITIAL), "test_initial_metadata_value");
      if (!Arrays.equals(trailers.get().get(TRAILING), bytes)) throw new AssertionError("the trailer differs");
    }
  }
}
