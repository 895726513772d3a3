package io.github.lora4j.text;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketImpl;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;

/**
 * Loads and uses a tokenizer in a JVM of its own and prints a line for each attempt to connect,
 * none of which gets through: see {@link NetworkSilenceIT}.
 */
final class NetworkProbe {

  private NetworkProbe() {}

  public static void main(String[] args) throws IOException {
    ProxySelector.setDefault(new Selector());
    forbidSockets();
    Path folder = Path.of(args[1]);
    switch (args[0]) {
      case "ours" -> {
        try (var tokenizer = PretrainedTokenizer.load(folder)) {
          int[] ids = tokenizer.encode("they made it", true);
          System.out.println("DECODED " + tokenizer.decode(ids, true));
        }
      }
      case "theirs" -> HuggingFaceTokenizer.newInstance(folder).close();
      case "both" -> {
        PretrainedTokenizer.load(folder).close();
        HuggingFaceTokenizer.newInstance(folder).close();
      }
      case "socket" -> {
        try (Socket socket = new Socket("127.0.0.1", 9)) {
          System.out.println("CONNECTED " + socket);
        } catch (SocketException e) {
          System.out.println("REFUSED");
        }
      }
      default -> throw new IllegalArgumentException(args[0]);
    }
    System.out.println("DONE");
  }

  @SuppressWarnings("deprecation") // The one way to see every socket of a JVM from inside.
  private static void forbidSockets() throws IOException {
    Socket.setSocketImplFactory(Refusal::new);
  }

  /** Sees every URL that is opened. */
  private static final class Selector extends ProxySelector {
    @Override
    public List<Proxy> select(URI uri) {
      System.out.println("ATTEMPT " + uri);
      return List.of(Proxy.NO_PROXY);
    }

    @Override
    public void connectFailed(URI uri, SocketAddress address, IOException failure) {
      System.out.println("FAILED " + uri);
    }
  }

  /** Sees, and refuses, every socket that would connect. */
  private static final class Refusal extends SocketImpl {

    private static SocketException refuse(Object target) {
      System.out.println("ATTEMPT " + target);
      return new SocketException("refused by the test");
    }

    @Override
    protected void create(boolean stream) {}

    @Override
    protected void connect(String host, int port) throws IOException {
      throw refuse(host);
    }

    @Override
    protected void connect(InetAddress address, int port) throws IOException {
      throw refuse(address);
    }

    @Override
    protected void connect(SocketAddress address, int timeout) throws IOException {
      throw refuse(address);
    }

    @Override
    protected void bind(InetAddress host, int port) {}

    @Override
    protected void listen(int backlog) {}

    @Override
    protected void accept(SocketImpl socket) throws IOException {
      throw refuse("accept");
    }

    @Override
    protected InputStream getInputStream() throws IOException {
      throw refuse("read");
    }

    @Override
    protected OutputStream getOutputStream() throws IOException {
      throw refuse("write");
    }

    @Override
    protected int available() {
      return 0;
    }

    @Override
    protected void close() {}

    @Override
    protected void sendUrgentData(int data) {}

    @Override
    public void setOption(int option, Object value) {}

    @Override
    public Object getOption(int option) {
      return 0;
    }
  }
}
