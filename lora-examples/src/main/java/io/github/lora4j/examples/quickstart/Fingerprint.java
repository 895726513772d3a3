package io.github.lora4j.examples.quickstart;

import io.github.lora4j.model.CausalLM;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** A hash of every bit of a model's parameters: proof that training left them alone. */
final class Fingerprint {

  private static final int CHUNK = 1 << 20;

  private Fingerprint() {}

  static String of(CausalLM model) {
    MessageDigest digest = sha256();
    byte[] buffer = new byte[CHUNK];
    model
        .parameters()
        .forEach(
            (name, parameter) -> {
              digest.update(name.getBytes(StandardCharsets.UTF_8));
              try (TensorScope scope = TensorScope.open()) {
                update(digest, parameter.detach().to(Device.CPU).contiguous(), buffer);
              }
            });
    return HexFormat.of().formatHex(digest.digest());
  }

  private static void update(MessageDigest digest, Tensor tensor, byte[] buffer) {
    long bytes = tensor.numel() * tensor.dtype().byteSize();
    for (long offset = 0; offset < bytes; offset += buffer.length) {
      int length = (int) Math.min(buffer.length, bytes - offset);
      tensor.copyBytesTo(offset, buffer, length);
      digest.update(buffer, 0, length);
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every JDK has SHA-256", e);
    }
  }
}
